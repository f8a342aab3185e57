/* Where a dose stands between the protocol's steps: typical, warn, never, with its numbers. */
import { inSyringe, scaleOf, stepsInWords } from "../../dosing";
import type { DoseRules } from "../../events";
import type { Dose } from "../../model";
import { number } from "../../words";

interface Props {
  rules: DoseRules;
  dose: Dose | null;
  kg: number | null;
  /** mg given before in this session. */
  given: number;
}

export function DoseScale({ rules, dose, kg, given }: Props) {
  const { unit, to, typical, marks } = scaleOf(rules);
  const total = dose && inSyringe(dose) + given;
  const at = total === null ? null : unit === "mg" ? total : kg && total / kg;
  const left = (value: number): string => `${Math.min(100, (value / to) * 100).toFixed(1)}%`;
  const words = stepsInWords(rules);
  return (
    <div class="field">
      <span class="label">{words}</span>
      <div class="steps" role="img" aria-label={at === null ? words : `${number(at)} ${unit} with what was given before; ${words}`}>
        <div class="axis" />
        {typical && <div class="typical" style={{ left: left(typical.from), width: `${((typical.to - typical.from) / to) * 100}%` }} />}
        {marks.map((mark) => (
          <span key={mark.label} class="step" style={{ left: left(mark.at) }}>
            {number(mark.at)} {mark.label}
          </span>
        ))}
        {at !== null && <i style={{ left: left(at) }} />}
      </div>
    </div>
  );
}
