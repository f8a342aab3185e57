/* What the assessment found and did not forbid: in sight of whoever gives the dose. */
import { asksOf } from "../../care";
import * as queries from "../../queries";
import { useRead } from "../../read";
import { Icon } from "../icon";

export function Known({ course_id }: { course_id: string }) {
  const course = useRead(() => queries.course(course_id), [course_id], undefined, true);
  const clinic = useRead(queries.clinic, []);
  const { assessed, cleared } = course.data ?? {};
  const found = assessed?.findings.map(({ rule, note }) => {
    const why = cleared?.find((one) => one.rule === rule)?.reason ?? note;
    return `${asksOf(clinic.data, assessed.protocol, rule)}${why ? ` (${why})` : ""}`;
  });
  const said = found?.join(" · ") ?? (course.failed && `could not be read, ${course.failed}`);
  if (!said) return null;
  return (
    <div class="meanwhile">
      <Icon name="note" />
      <p>
        <b>The assessment found:</b> {said}
      </p>
    </div>
  );
}
