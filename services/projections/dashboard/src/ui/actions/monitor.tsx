/* Attaches a bedside monitor, or takes one off: each with what it says now, so that nobody takes the wrong one. */
import { useEffect, useState } from "preact/hooks";
import { isSilent, placeOf } from "../../freshness";
import { lastDose } from "../../course";
import type { Device } from "../../model";
import * as queries from "../../queries";
import { useFirstOrder, useStable } from "../../stable";
import { asked, now, sessionOf } from "../../store";
import { deviceTold } from "../../views";
import { age, clockTime, whyOf } from "../../words";
import { Choice } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile } from "./about";
import type { OfSession } from "./of";

const EVERY_MS = 2_000;
/** Enough to tell one bed from another. */
const COMPARED = 3;

export function MonitorForm({ s, items, close }: OfSession) {
  const [devices, setDevices] = useState<Device[] | null>(null);
  const [failed, setFailed] = useState("");
  useEffect(() => {
    const read = (): void =>
      void asked(queries.devices()).then(
        (found) => {
          setDevices(found);
          setFailed("");
        },
        (error: unknown) => setFailed(whyOf(error)),
      );
    read();
    const timer = setInterval(read, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const form = useForm({
    id: "monitor",
    recorded: close,
    // A patient under the drug whom nothing measures any more, and no alarm says so.
    asks: ({ type }) => type === "DetachDevice" && s.doses.length > 0,
    make(reader) {
      const device_id = reader.text("device", "Which monitor");
      return { type: device_id && s.devices.includes(device_id) ? "DetachDevice" : "AttachDevice", session_id: s.session_id, device_id };
    },
  });
  const second = useStable(() => Math.floor(now.value / 1000) * 1000, []);
  const placed = useFirstOrder(devices ?? [], (device) => device.device_id, (device) => placeOf(device, s.session_id, second));
  const known = new Set(devices?.map(({ device_id }) => device_id));
  const unheard = s.devices.filter((id) => !known.has(id)).map((id) => ({ value: id, label: `Detach ${id}`, note: "attached here · not heard now" }));
  const options = [
    ...unheard,
    ...placed.map((device) => {
      const { device_id } = device;
      const own = s.devices.includes(device_id);
      const elsewhere = device.session_id !== null && device.session_id !== s.session_id;
      return { value: device_id, label: own ? `Detach ${device_id}` : device_id, note: told(device, s.session_id, second), disabled: elsewhere, faint: isSilent(device, second) };
    }),
  ];
  const chosen = form.typed["device"] ?? "";
  const taking = s.devices.includes(chosen);
  const attached = s.devices.join(", ");
  const attachingSilent = !taking && placed.some((device) => device.device_id === chosen && isSilent(device, second));
  const foot = taking
    ? "Its values no longer come to this patient, and no alarm is raised from them. It is free for another patient."
    : attachingSilent
      ? "It sends nothing: until it does, nothing comes from it, and an alarm says so."
      : chosen && attached
        ? `${attached} is attached here too: the values of both come to this patient. To exchange it, detach it first.`
        : "";
  return (
    <FormDialog
      form={form}
      title={s.devices.length > 0 ? "Attach or detach a monitor" : "Attach a monitor"}
      hint="Compare what it says here with what the bedside monitor shows."
      about={<About s={s} />}
      notice={<Meanwhile s={s} items={items} />}
      button={taking ? "Detach" : "Attach"}
      icon={taking ? "unplugged" : "monitor"}
      foot={foot}
      question={
        <>
          <p>
            Take <strong>{chosen}</strong> off the patient in room {s.room}?
          </p>
          <p>They were given a dose at {clockTime(Date.parse(lastDose(s)?.at ?? s.opened_at))}. No value comes from it any more, and no alarm says so: watch them, or attach another monitor.</p>
        </>
      }
      blocked={failed}
      close={close}
    >
      <Choice form={form} name="device" label={devices && options.length === 0 ? "No monitor has been heard since the server started." : "Monitors heard"} options={options} list />
    </FormDialog>
  );
}

function told(device: Device, id: string, at: number): string {
  const where = device.session_id === id ? "attached here" : device.session_id === null ? "free" : `in room ${sessionOf(device.session_id).value?.room ?? "?"}`;
  if (isSilent(device, at)) return `${where} · silent for ${age((at - Date.parse(device.last_seen)) / 1000)}`;
  const values = deviceTold(device, at).slice(0, COMPARED);
  return `${where} · ${values.map(({ name, value, state, when }) => (state === "stale" ? `${name} ${value}, ${when} old` : `${name} ${value}`)).join(", ") || "no values"}`;
}
