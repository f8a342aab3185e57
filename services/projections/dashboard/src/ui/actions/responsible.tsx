/* Who answers for this patient. */
import { useEffect, useState } from "preact/hooks";
import type { Colleague } from "../../model";
import * as queries from "../../queries";
import { asked, me } from "../../store";
import { whyOf } from "../../words";
import { Choice } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile } from "./about";
import type { OfSession } from "./of";

const ROLES: Partial<Record<Colleague["role"], string>> = { nurse: "Nurse", prescriber: "Prescriber", therapist: "Therapist" };

export function ResponsibleForm({ s, items, close }: OfSession) {
  const [staff, setStaff] = useState<Colleague[] | string>([]);
  useEffect(() => {
    asked(queries.staff()).then(setStaff, (error: unknown) => setStaff(whyOf(error)));
  }, []);
  const form = useForm({
    id: "responsible",
    recorded: close,
    make: (reader) => ({ type: "ChangeResponsible", session_id: s.session_id, responsible: reader.text("responsible", "Who is responsible") }),
  });
  const options = typeof staff === "string" ? [] : staff.filter(({ role }) => ROLES[role]).map((one) => ({
    value: `staff:${one.staff_id}`,
    label: one.staff_id === me.value?.staff_id ? `${one.name} (you)` : one.name,
    note: ROLES[one.role] ?? "",
  }));
  return (
    <FormDialog
      form={form}
      title="Responsible"
      hint={s.responsible_name ? `Now: ${s.responsible_name}` : "Nobody is assigned."}
      about={<About s={s} />}
      notice={<Meanwhile s={s} items={items} />}
      button="Change"
      blocked={typeof staff === "string" ? staff : ""}
      close={close}
    >
      <Choice form={form} name="responsible" label="Who is responsible from now on" options={options} list />
    </FormDialog>
  );
}
