/* Generated from the events' JSON schema by `npm run generate`. Do not edit. */

export type Event =
  | PatientRegistered
  | PatientChanged
  | PersonForgotten
  | ProtocolAdopted
  | RoomDefined
  | CourseOpened
  | Assessed
  | FindingCleared
  | ConsentGiven
  | ConsentWithdrawn
  | PreparationRecorded
  | Prepared
  | VisitPlanned
  | CourseClosed
  | SessionOpened
  | DeviceAttached
  | DeviceDetached
  | ResponsibleChanged
  | LimitsChanged
  | PreDoseChecked
  | GateOverridden
  | DoseChecked
  | Dosed
  | ObservationRecorded
  | NoteRecorded
  | AlarmRaised
  | AlarmEscalated
  | AlarmAcknowledged
  | AlarmPaused
  | AlarmPauseBroken
  | AlarmCleared
  | AdverseEventRecorded
  | InterventionRecorded
  | HelpCalled
  | HelpAnswered
  | DischargeSigned
  | Discharged
  | SessionAborted
  | CarePlanned
  | Integrated
  | MeasureRecorded
  | VisitMissed
  | CarePlanClosed
  | TaskOpened
  | TaskAnswered
  | EntryCorrected
  | VitalRecorded
  | VitalCorrected;
export type JsonValue = unknown;

/**
 * `number` is the clinic's own opaque number, made up for KAP; never a health-record number.
 */
export interface PatientRegistered {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  patient_id: string;
  type: "PatientRegistered";
  /**
   * A name or free text, sealed with the patient's own key (kap.personal).
   */
  name: string;
  number: string;
  birth_year: number;
  sex_at_birth: "female" | "male" | "intersex" | "unknown";
  contact: string | null;
}
export interface PatientChanged {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  patient_id: string;
  type: "PatientChanged";
  name: string | null;
  contact: string | null;
}
/**
 * The person's key is erased: name and free text are unreadable from here on, everywhere.
 */
export interface PersonForgotten {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  patient_id: string;
  type: "PersonForgotten";
  ground: "request" | "retention_ended" | "registered_in_error";
}
/**
 * The whole protocol and its digest, so that a session's limits can be read for ever.
 */
export interface ProtocolAdopted {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  clinic: string;
  type: "ProtocolAdopted";
  /**
   * A word of a fixed vocabulary.
   */
  protocol: string;
  version: number;
  digest: string;
  content: {
    [k: string]: JsonValue;
  };
  signed_off_by: string | null;
}
export interface RoomDefined {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  clinic: string;
  type: "RoomDefined";
  room: string;
  title: string;
}
export interface CourseOpened {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  course_id: string;
  type: "CourseOpened";
  patient_id: string;
  /**
   * A word of a fixed vocabulary.
   */
  indication: string;
}
/**
 * The comprehensive assessment. Weight in kg. `absent`: what was asked about and is not there.
 */
export interface Assessed {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  course_id: string;
  type: "Assessed";
  verdict: "eligible" | "deferred" | "ineligible";
  /**
   * @maxItems 60
   */
  findings: Finding[];
  /**
   * @maxItems 100
   *
   * Items: A word of a fixed vocabulary.
   */
  absent: string[];
  /**
   * @maxItems 20
   */
  measures: Measure[];
  weight_kg: number;
  goals: string | null;
  route: "intramuscular" | "sublingual" | "intranasal" | "spravato";
  /**
   * A word of a fixed vocabulary.
   */
  protocol: string;
}
/**
 * An eligibility rule that applies to this patient (clinical.md A1.1); `asks` is the protocol's.
 */
export interface Finding {
  /**
   * A word of a fixed vocabulary.
   */
  rule: string;
  standing: "hard_stop" | "clearance" | "note";
  note: string | null;
  asks: string | null;
}
/**
 * A questionnaire's result: `total` in its own points, `items` in its own order.
 */
export interface Measure {
  /**
   * A word of a fixed vocabulary.
   */
  instrument: string;
  total: number | null;
  items: number[] | null;
}
export interface FindingCleared {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  course_id: string;
  type: "FindingCleared";
  /**
   * A word of a fixed vocabulary.
   */
  rule: string;
  /**
   * A name or free text, sealed with the patient's own key (kap.personal).
   */
  reason: string;
}
export interface ConsentGiven {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  course_id: string;
  type: "ConsentGiven";
  /**
   * A word of a fixed vocabulary.
   */
  document: string;
}
export interface ConsentWithdrawn {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  course_id: string;
  type: "ConsentWithdrawn";
  reason: string | null;
}
export interface PreparationRecorded {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  course_id: string;
  type: "PreparationRecorded";
  /**
   * A name or free text, sealed with the patient's own key (kap.personal).
   */
  text: string;
  /**
   * @maxItems 20
   *
   * Items: A word of a fixed vocabulary.
   */
  topics: string[];
}
/**
 * The patient is ready for a first session: intentions, education, safety plan, ride, fasting.
 */
export interface Prepared {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  course_id: string;
  type: "Prepared";
  /**
   * A name or free text, sealed with the patient's own key (kap.personal).
   */
  intentions: string;
  education: boolean;
  /**
   * A name or free text, sealed with the patient's own key (kap.personal).
   */
  safety_plan: string;
  /**
   * A name or free text, sealed with the patient's own key (kap.personal).
   */
  ride: string;
  fasting_explained: boolean;
}
export interface VisitPlanned {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  course_id: string;
  type: "VisitPlanned";
  visit: "assessment" | "preparation" | "dosing" | "integration";
  planned_for: string;
  room: string | null;
}
export interface CourseClosed {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  course_id: string;
  type: "CourseClosed";
  outcome: "completed" | "stopped" | "ineligible" | "lost_to_follow_up";
  reason: string | null;
}
/**
 * Limits, expected course and rules travel in the event, so that no later reader asks another service.
 */
export interface SessionOpened {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "SessionOpened";
  course_id: string;
  patient_id: string;
  patient_number: string;
  room: string;
  route: "intramuscular" | "sublingual" | "intranasal" | "spravato";
  weight_kg: number | null;
  protocol: ProtocolRef;
  limits: Limits;
  expected: ExpectedCourse;
  rules: SessionRules | null;
}
export interface ProtocolRef {
  /**
   * A word of a fixed vocabulary.
   */
  name: string;
  version: number;
  digest: string;
}
/**
 * What the watch compares with. Pressures mm[Hg], rates /min, saturation %; times in seconds.
 */
export interface Limits {
  /**
   * @maxItems 6
   */
  spo2: Band[];
  /**
   * @maxItems 6
   */
  systolic: Band[];
  /**
   * @maxItems 6
   */
  diastolic: Band[];
  /**
   * @maxItems 6
   */
  heart_rate: Band[];
  /**
   * @maxItems 6
   */
  respiratory_rate: Band[];
  no_data_after_s: number;
  no_data_priority: "high" | "medium" | "low";
}
/**
 * An alarm limit: outside `low`…`high` (both still inside) the priority named here is raised.
 */
export interface Band {
  low: number | null;
  high: number | null;
  priority: "high" | "medium" | "low";
}
/**
 * The route's expected course, minutes after the dose, and the scheduled checks.
 *
 * At `checks_min` a blood pressure is due, at the others the level of sedation and of dissociation.
 */
export interface ExpectedCourse {
  onset_min: number;
  peak_min: number;
  offset_min: number;
  minimum_stay_min: number;
  /**
   * @maxItems 40
   */
  checks_min: number[];
  /**
   * @maxItems 40
   */
  moaas_min: number[];
  /**
   * @maxItems 40
   */
  dissociation_min: number[];
}
/**
 * A protocol's gates, dose and discharge, as a session began with them.
 *
 * `ask_pregnancy`: the patient's record does not rule it out.
 */
export interface SessionRules {
  gates: Gates;
  dose: DoseRules;
  discharge: DischargeRules;
  ask_pregnancy: boolean;
  alarms: AlarmRules | null;
}
/**
 * What must hold on the day, before the first dose. Hours, mm[Hg], %, minutes.
 *
 * `asked` are the questions that need an answer; a gate in `final` is one that nobody overrides.
 */
export interface Gates {
  food_hours: number;
  fluid_hours: number;
  /**
   * @maxItems 6
   */
  asked: ("ride" | "intoxication" | "pregnancy" | "urinary_symptoms" | "suicidality" | "drugs_changed")[];
  /**
   * @maxItems 6
   */
  final: ("ride" | "intoxication" | "pregnancy" | "urinary_symptoms" | "suicidality" | "drugs_changed")[];
  pregnancy_to_age: number;
  systolic_to: number;
  diastolic_to: number;
  spo2_from: number;
  recheck_after_min: number;
  rechecks: number;
  check_valid_min: number;
}
/**
 * What may be given. `warn`, `second_sign_off` and `total` count all of the session's doses together.
 *
 * `allowed_mg`: nothing else may be given, but `overridable_mg` when a prescriber overrides the gate
 * `dose.amount`. `drawn_up`: concentration and volume are needed, and agree with the mg within
 * `agree_within_ml` of volume.
 */
export interface DoseRules {
  typical: Typical;
  warn: Cap;
  second_sign_off: Cap | null;
  never: Cap;
  total: Cap;
  /**
   * @maxItems 10
   */
  allowed_mg: number[];
  /**
   * @maxItems 10
   */
  overridable_mg: number[];
  drawn_up: boolean;
  /**
   * @maxItems 10
   */
  concentrations_mg_per_ml: number[];
  agree_within_ml: number;
  agree_within_mg_per_kg: number;
  same_dose_within_min: number;
  second_check: boolean;
  lot_required: boolean;
  site_required: boolean;
}
/**
 * The usual dose, for the reader; nothing is refused by it.
 */
export interface Typical {
  from_mg: number | null;
  to_mg: number | null;
  from_mg_per_kg: number | null;
  to_mg_per_kg: number | null;
}
/**
 * An amount that is passed: over so many mg or mg/kg, or from so many mg/kg on.
 */
export interface Cap {
  over_mg: number | null;
  over_mg_per_kg: number | null;
  from_mg_per_kg: number | null;
}
/**
 * What must hold before a patient leaves; the minimum stay is in `expected`, from the last dose on.
 *
 * Blood pressure: within `pressure_within_percent` of its baseline, or at most `systolic_to`/`diastolic_to`.
 */
export interface DischargeRules {
  aldrete_from: number;
  moaas_from: number;
  dissociation_to: number;
  pressure_within_percent: number;
  systolic_to: number;
  diastolic_to: number;
  spo2_from: number;
  spo2_under_baseline_to: number;
  vitals_valid_min: number;
  observation_valid_min: number;
  /**
   * @maxItems 2
   */
  signatures: ("nurse" | "prescriber")[];
}
/**
 * Rules by their name. An alarm of a priority in `latching` stays till somebody acknowledges it.
 *
 * What a monitor sends all the time has to be well for `clear_after_s` before its alarm is over: one value
 * that swings about a limit is one alarm.
 */
export interface AlarmRules {
  rules: {
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^[a-z0-9][a-z0-9_.-]{0,63}$".
     */
    [k: string]:
      | Sustained
      | Confirmed
      | Change
      | Expected
      | Rising
      | Falling
      | Apnoea
      | Symptoms
      | Sedation
      | ProbeOff
      | OneLimb
      | Checks
      | CuffOverdue;
  };
  clear_after_s: number;
  /**
   * @maxItems 3
   */
  latching: ("high" | "medium" | "low")[];
  /**
   * @maxItems 10
   */
  escalation: Escalation[];
}
/**
 * A limit alarms once the value was outside for so long; at `at_once` or worse, and typed in, at once.
 *
 * `band` names the limit: signal, side and priority, as in `spo2.low.high`.
 */
export interface Sustained {
  kind: "sustained";
  /**
   * A word of a fixed vocabulary.
   */
  band: string;
  for_s: number;
  at_once: number | null;
}
/**
 * A limit alarms once a second reading confirms the first; till then it asks for one.
 *
 * The second comes at least `again_from_s` after the first. At `again_until_s` without one it alarms.
 */
export interface Confirmed {
  kind: "confirmed";
  /**
   * A word of a fixed vocabulary.
   */
  band: string;
  again_from_s: number;
  again_until_s: number;
  at_once: number | null;
  asks: "high" | "medium" | "low";
}
/**
 * The value is so far from the baseline: the pre-dose check, else the first reading.
 */
export interface Change {
  kind: "change";
  signal: "spo2" | "systolic" | "diastolic" | "heart_rate" | "respiratory_rate";
  direction: "up" | "down";
  by: number;
  for_s: number;
  priority: "high" | "medium" | "low";
}
/**
 * The value is more than `margin` over what the time since the dose leads one to expect.
 *
 * Expected is the baseline, rising by `rise` between the route's onset and peak, and gone at its offset.
 */
export interface Expected {
  kind: "expected";
  signal: "spo2" | "systolic" | "diastolic" | "heart_rate" | "respiratory_rate";
  rise: number;
  margin: number;
  for_s: number;
  priority: "high" | "medium" | "low";
}
/**
 * After the expected peak, over `above`, and at least `by` more than the reading before.
 */
export interface Rising {
  kind: "rising";
  signal: "spo2" | "systolic" | "diastolic" | "heart_rate" | "respiratory_rate";
  above: number;
  by: number;
  priority: "high" | "medium" | "low";
}
/**
 * The value fell by so much within so long.
 */
export interface Falling {
  kind: "falling";
  signal: "spo2" | "systolic" | "diastolic" | "heart_rate" | "respiratory_rate";
  by: number;
  within_s: number;
  for_s: number;
  priority: "high" | "medium" | "low";
}
/**
 * No breath: a respiratory rate of 0 for so long, the signal's loss in between included.
 */
export interface Apnoea {
  kind: "apnoea";
  for_s: number;
}
/**
 * One of these symptoms, or an adverse event of that name or severity: high, whatever the numbers.
 */
export interface Symptoms {
  kind: "symptoms";
  /**
   * @minItems 1
   * @maxItems 40
   *
   * Items: A word of a fixed vocabulary.
   */
  codes: string[];
  /**
   * @maxItems 4
   */
  severities: ("minimal" | "minor" | "moderate" | "sentinel")[];
}
/**
 * MOAA/S at most so much.
 */
export interface Sedation {
  kind: "sedation";
  /**
   * @minItems 1
   * @maxItems 5
   */
  levels: Sedated[];
}
export interface Sedated {
  at_most: number;
  priority: "high" | "medium" | "low";
}
/**
 * A signal is gone while its device still sends others; after a dose it becomes medium.
 */
export interface ProbeOff {
  kind: "probe_off";
  /**
   * @minItems 1
   * @maxItems 3
   */
  signals: ("spo2" | "heart_rate" | "respiratory_rate")[];
  low_after_s: number;
  medium_after_s: number;
}
/**
 * SpO2 and pulse were gone while the cuff measured: both seem to be on one limb.
 *
 * Until a cuff reading with the pulse there, the loss of both is low for so long, and never hidden.
 */
export interface OneLimb {
  kind: "one_limb";
  within_s: number;
}
/**
 * A scheduled check was not done: what `expected` wants of it was not seen since shortly before it.
 *
 * That is a blood pressure (`checks_min`), MOAA/S (`moaas_min`) or both. Dissociation alarms nobody: not
 * everybody can be asked for it at its minute.
 */
export interface Checks {
  kind: "checks";
  early_min: number;
  low_after_min: number;
  medium_after_min: number;
}
/**
 * After a dose, no blood pressure for so long, whatever the schedule.
 */
export interface CuffOverdue {
  kind: "cuff_overdue";
  after_min: number;
  priority: "high" | "medium" | "low";
}
/**
 * An alarm of this priority that nobody acknowledged for so long is told to whom `to` names.
 */
export interface Escalation {
  priority: "high" | "medium" | "low";
  after_s: number;
  /**
   * A word of a fixed vocabulary.
   */
  to: string;
}
export interface DeviceAttached {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "DeviceAttached";
  device_id: string;
}
export interface DeviceDetached {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "DeviceDetached";
  device_id: string;
}
export interface ResponsibleChanged {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "ResponsibleChanged";
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  responsible: string;
}
export interface LimitsChanged {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "LimitsChanged";
  limits: Limits;
  /**
   * A name or free text, sealed with the patient's own key (kap.personal).
   */
  reason: string;
}
/**
 * Baseline before the dose, and the day's answers; mm[Hg], /min, %, hours. None was not answered.
 */
export interface PreDoseChecked {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "PreDoseChecked";
  systolic: number;
  diastolic: number;
  heart_rate: number;
  spo2: number;
  respiratory_rate: number | null;
  fasting: boolean;
  ride_arranged: boolean;
  suicidal_ideation_new: boolean | null;
  hours_fasted: number | null;
  hours_without_fluids: number | null;
  intoxicated: boolean | null;
  pregnancy_excluded: boolean | null;
  urinary_symptoms: boolean | null;
  drugs_changed: boolean | null;
}
export interface GateOverridden {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "GateOverridden";
  /**
   * A word of a fixed vocabulary.
   */
  gate: string;
  /**
   * A name or free text, sealed with the patient's own key (kap.personal).
   */
  reason: string;
}
/**
 * The second person's check of a dose; `by` is that person, `role` theirs.
 */
export interface DoseChecked {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "DoseChecked";
  dose: Dose;
  role: ("nurse" | "prescriber") | null;
}
/**
 * One administration, in mg; concentration in mg/mL and volume in mL where drawn up.
 *
 * `mg_per_kg` is what the prescription says, where it says so: it must agree with the patient's weight.
 */
export interface Dose {
  drug: "ketamine" | "esketamine";
  route: "intramuscular" | "sublingual" | "intranasal" | "spravato";
  milligrams: number;
  mg_per_kg: number | null;
  concentration_mg_per_ml: number | null;
  volume_ml: number | null;
  lot: string | null;
  site: string | null;
}
/**
 * `checked_by` gave their own password for this dose; `confirmed`: meant, though the protocol warns.
 */
export interface Dosed {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "Dosed";
  dose: Dose;
  additional: boolean;
  checked_by: string | null;
  confirmed: boolean;
}
/**
 * MOAA/S 0–5 (5 awake); dissociation, nausea, pain 0–10; symptoms by code.
 */
export interface ObservationRecorded {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "ObservationRecorded";
  moaas: number | null;
  dissociation: number | null;
  nausea: number | null;
  pain: number | null;
  /**
   * @maxItems 20
   *
   * Items: A word of a fixed vocabulary.
   */
  symptoms: string[];
}
export interface NoteRecorded {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "NoteRecorded";
  /**
   * A name or free text, sealed with the patient's own key (kap.personal).
   */
  text: string;
}
/**
 * `alarm_id` is made of session, rule and onset, so raising it twice is raising it once.
 *
 * `late`: the condition began and ended while the watch was away, or its readings were backfilled;
 * it is on record and never sounds.
 */
export interface AlarmRaised {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "AlarmRaised";
  alarm_id: string;
  /**
   * A word of a fixed vocabulary.
   */
  rule: string;
  priority: "high" | "medium" | "low";
  kind: "physiological" | "technical";
  text: string;
  signal: string | null;
  value: number | null;
  limit: number | null;
  device_id: string | null;
  onset: string;
  late: boolean;
  latching: boolean;
}
/**
 * Nobody acknowledged it in time: `to` names whom the protocol then has told.
 */
export interface AlarmEscalated {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "AlarmEscalated";
  alarm_id: string;
  priority: "high" | "medium" | "low";
  to: string | null;
}
export interface AlarmAcknowledged {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "AlarmAcknowledged";
  alarm_id: string;
}
/**
 * `cause`: why its sound may wait, e.g. `patient-moving`.
 */
export interface AlarmPaused {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "AlarmPaused";
  alarm_id: string;
  until: string;
  cause: string | null;
}
/**
 * A new alarm as bad or worse ended the pause of this one's sound.
 */
export interface AlarmPauseBroken {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "AlarmPauseBroken";
  alarm_id: string;
  broken_by: string;
}
/**
 * The condition has ended; `at` is when.
 */
export interface AlarmCleared {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "AlarmCleared";
  alarm_id: string;
  late: boolean;
}
export interface AdverseEventRecorded {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "AdverseEventRecorded";
  /**
   * A word of a fixed vocabulary.
   */
  category: string;
  severity: "minimal" | "minor" | "moderate" | "sentinel";
  text: string | null;
}
export interface InterventionRecorded {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "InterventionRecorded";
  /**
   * A word of a fixed vocabulary.
   */
  kind: string;
  text: string | null;
}
/**
 * Somebody in the room wants the nurse to come: a person's call, never an alarm's.
 */
export interface HelpCalled {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "HelpCalled";
}
/**
 * Who answers goes there. `call_id` is the id of the call's `HelpCalled`.
 */
export interface HelpAnswered {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "HelpAnswered";
  call_id: string;
}
/**
 * Somebody beside who discharges found the patient fit to leave.
 */
export interface DischargeSigned {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "DischargeSigned";
  role: "nurse" | "prescriber";
}
/**
 * The nurse's answers at the end; None was not answered. `not_met` are the points overridden.
 */
export interface Discharged {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "Discharged";
  course_id: string;
  patient_id: string;
  instructions_given: boolean;
  escort: string | null;
  oriented: boolean | null;
  steady_gait: boolean | null;
  nausea_tolerable: boolean | null;
  ride_present: boolean | null;
  suicidal_ideation_new: boolean | null;
  aldrete: Aldrete | null;
  /**
   * @maxItems 20
   *
   * Items: A word of a fixed vocabulary.
   */
  not_met: string[];
}
/**
 * The parts of the modified Aldrete score as judged, 0–2 points each (kap.scores.aldrete).
 */
export interface Aldrete {
  activity: number | null;
  respiration: number | null;
  circulation: number | null;
  consciousness: number | null;
  spo2: number | null;
}
export interface SessionAborted {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  session_id: string;
  type: "SessionAborted";
  /**
   * A name or free text, sealed with the patient's own key (kap.personal).
   */
  reason: string;
}
/**
 * Follows a discharge by itself; the id is made of the session's, so there is one for each.
 */
export interface CarePlanned {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  care_plan_id: string;
  type: "CarePlanned";
  session_id: string;
  course_id: string;
  patient_id: string;
  /**
   * @maxItems 20
   */
  visits_due: string[];
}
/**
 * An integration visit took place. `visit` counts from 1.
 */
export interface Integrated {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  care_plan_id: string;
  type: "Integrated";
  visit: number;
  /**
   * A name or free text, sealed with the patient's own key (kap.personal).
   */
  themes: string;
  insights: string | null;
  practices: string | null;
  /**
   * @maxItems 20
   */
  measures: Measure[];
}
export interface MeasureRecorded {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  care_plan_id: string;
  type: "MeasureRecorded";
  measure: Measure;
}
export interface VisitMissed {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  care_plan_id: string;
  type: "VisitMissed";
  visit: number;
  reason: string | null;
}
export interface CarePlanClosed {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  care_plan_id: string;
  type: "CarePlanClosed";
  outcome: "completed" | "stopped" | "lost_to_follow_up";
}
/**
 * `session_id`: the session that asks for it, where one does.
 */
export interface TaskOpened {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  task_id: string;
  type: "TaskOpened";
  patient_id: string;
  session_id: string | null;
  /**
   * A word of a fixed vocabulary.
   */
  kind: string;
  assigned_to: string | null;
  due: string | null;
  text: string | null;
}
export interface TaskAnswered {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  task_id: string;
  type: "TaskAnswered";
  /**
   * A word of a fixed vocabulary.
   */
  answer: string;
  text: string | null;
}
/**
 * A wrong entry is withdrawn; `replacement`, an event of the same type, stands in its place.
 *
 * The original stays in the log and on the screen, struck through.
 */
export interface EntryCorrected {
  id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  type: "EntryCorrected";
  of: "patient" | "clinic" | "course" | "session" | "care_plan" | "task";
  of_id: string;
  event_id: string;
  /**
   * A name or free text, sealed with the patient's own key (kap.personal).
   */
  reason: string;
  replacement: {
    [k: string]: JsonValue;
  } | null;
}
/**
 * One device's (or person's) values at one moment.
 *
 * `device_time` is the sender's own clock, `received_at` ours, `observed_at` ours too, worked out
 * from both so that the sender's skew cannot shift it (decision 11).
 */
export interface VitalRecorded {
  type: "VitalRecorded";
  id: string;
  session_id: string;
  device_id: string | null;
  source: "monitor" | "gateway" | "manual";
  entered_by: string | null;
  device_time: string;
  observed_at: string;
  received_at: string;
  sent_id: string | null;
  backfilled: boolean;
  signals: {
    heart_rate?: Sample;
    pulse_rate?: Sample;
    spo2?: Sample;
    respiratory_rate?: Sample;
    systolic?: Sample;
    diastolic?: Sample;
    mean_arterial?: Sample;
    temperature?: Sample;
    etco2?: Sample;
  };
}
/**
 * A value in its signal's unit (see `Signal`); `channel` is the sender's own code.
 */
export interface Sample {
  value: number;
  channel: string;
  quality: "ok" | "questionable";
}
/**
 * A reading that somebody typed is withdrawn; `replacement` stands in its place.
 *
 * What is corrected was typed, or stands in the place of what was. Of two corrections of one reading the
 * first counts. The original stays in the log and on the screen, struck through.
 */
export interface VitalCorrected {
  type: "VitalCorrected";
  id: string;
  session_id: string;
  reading_id: string;
  at: string;
  /**
   * Who acted: staff:<uuid>, device:<id> or service:<name>.
   */
  by: string;
  /**
   * A name or free text, sealed with the patient's own key (kap.personal).
   */
  reason: string;
  replacement: VitalRecorded | null;
}

export const BOUNDS = {
  "Aldrete": {
    "activity": {
      "from": 0,
      "to": 2,
      "whole": true
    },
    "respiration": {
      "from": 0,
      "to": 2,
      "whole": true
    },
    "circulation": {
      "from": 0,
      "to": 2,
      "whole": true
    },
    "consciousness": {
      "from": 0,
      "to": 2,
      "whole": true
    },
    "spo2": {
      "from": 0,
      "to": 2,
      "whole": true
    }
  },
  "Assessed": {
    "weight_kg": {
      "over": 20,
      "under": 400
    }
  },
  "Dose": {
    "milligrams": {
      "over": 0,
      "to": 2000
    },
    "mg_per_kg": {
      "over": 0,
      "to": 30
    },
    "concentration_mg_per_ml": {
      "over": 0,
      "to": 200
    },
    "volume_ml": {
      "over": 0,
      "to": 20
    }
  },
  "Integrated": {
    "visit": {
      "from": 1,
      "to": 100,
      "whole": true
    }
  },
  "ObservationRecorded": {
    "moaas": {
      "from": 0,
      "to": 5,
      "whole": true
    },
    "dissociation": {
      "from": 0,
      "to": 10,
      "whole": true
    },
    "nausea": {
      "from": 0,
      "to": 10,
      "whole": true
    },
    "pain": {
      "from": 0,
      "to": 10,
      "whole": true
    }
  },
  "PatientRegistered": {
    "birth_year": {
      "from": 1900,
      "to": 2100,
      "whole": true
    }
  },
  "PreDoseChecked": {
    "systolic": {
      "from": 40,
      "to": 300,
      "whole": true
    },
    "diastolic": {
      "from": 20,
      "to": 200,
      "whole": true
    },
    "heart_rate": {
      "from": 20,
      "to": 300,
      "whole": true
    },
    "spo2": {
      "from": 50,
      "to": 100,
      "whole": true
    },
    "respiratory_rate": {
      "from": 0,
      "to": 80,
      "whole": true
    },
    "hours_fasted": {
      "from": 0,
      "to": 72
    },
    "hours_without_fluids": {
      "from": 0,
      "to": 72
    }
  },
  "ProtocolAdopted": {
    "version": {
      "from": 1,
      "whole": true
    }
  },
  "SessionOpened": {
    "weight_kg": {
      "over": 20,
      "under": 400
    }
  },
  "VisitMissed": {
    "visit": {
      "from": 1,
      "to": 100,
      "whole": true
    }
  },
  "Measure": {
    "phq-9": {
      "from": 0,
      "to": 27,
      "whole": true
    },
    "gad-7": {
      "from": 0,
      "to": 21,
      "whole": true
    },
    "pcl-5": {
      "from": 0,
      "to": 80,
      "whole": true
    }
  },
  "VitalRecorded": {
    "heart_rate": {
      "from": 0,
      "to": 350
    },
    "pulse_rate": {
      "from": 15,
      "to": 350
    },
    "spo2": {
      "from": 1,
      "to": 100
    },
    "respiratory_rate": {
      "from": 0,
      "to": 150
    },
    "systolic": {
      "from": 20,
      "to": 300
    },
    "diastolic": {
      "from": 10,
      "to": 250
    },
    "mean_arterial": {
      "from": 10,
      "to": 280
    },
    "temperature": {
      "from": 25,
      "to": 45
    },
    "etco2": {
      "from": 0,
      "to": 150
    }
  }
} as const;
