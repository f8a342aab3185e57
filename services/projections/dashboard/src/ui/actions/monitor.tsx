/* Attaches a bedside monitor, or takes one off: each with what it says now, so that nobody takes the wrong one. */
import { useEffect, useState } from "preact/hooks";
import * as api from "../../api";
import type { Device, Signal } from "../../model";
import { asked, now, sessionOf } from "../../store";
import { useStable } from "../../stable";
import { age, number } from "../../words";
import { Choice } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile } from "./about";
import type { OfSession } from "./of";

const EVERY_MS = 2_000;
const SILENT_S = 60;
const SAID: readonly [Signal, string][] = [
  ["spo2", "SpO₂"],
  ["pulse_rate", "pulse"],
  ["heart_rate", "HR"],
  ["systolic", "systolic"],
  ["respiratory_rate", "resp"],
];

export function MonitorForm({ s, items, close }: OfSession) {
  const [devices, setDevices] = useState<Device[] | null>(null);
  const [failed, setFailed] = useState("");
  useEffect(() => {
    const read = (): void =>
      void asked(api.devices()).then(
        (found) => {
          setDevices(found);
          setFailed("");
        },
        (error: unknown) => setFailed(error instanceof Error ? error.message : String(error)),
      );
    read();
    const timer = setInterval(read, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const form = useForm({
    id: "monitor",
    recorded: close,
    make(reader) {
      const device_id = reader.text("device", "Which monitor");
      return { type: device_id && s.devices.includes(device_id) ? "DetachDevice" : "AttachDevice", session_id: s.session_id, device_id };
    },
  });
  const second = useStable(() => Math.floor(now.value / 1000) * 1000, []);
  const known = new Set(devices?.map(({ device_id }) => device_id));
  const silent = s.devices.filter((id) => !known.has(id)).map((id) => ({ value: id, label: id, note: "attached here · not heard now" }));
  const options = [
    ...silent,
    ...[...(devices ?? [])].sort(byPlace(s.session_id)).map((device) => {
      const elsewhere = device.session_id !== null && device.session_id !== s.session_id;
      return { value: device.device_id, label: device.device_id, note: told(device, s.session_id, second), disabled: elsewhere };
    }),
  ];
  const chosen = form.typed["device"] ?? "";
  const taking = s.devices.includes(chosen);
  return (
    <FormDialog
      form={form}
      title="Monitor"
      hint="Compare what it says here with what the bedside monitor shows."
      about={<About s={s} />}
      notice={<Meanwhile s={s} items={items} />}
      button={taking ? "Detach" : "Attach"}
      icon={taking ? "unplugged" : "monitor"}
      foot={taking ? "Its readings will no longer reach this patient." : ""}
      blocked={failed}
      close={close}
    >
      <Choice form={form} name="device" label={devices && options.length === 0 ? "No monitor has been heard since the server started." : "Monitors heard"} options={options} list />
    </FormDialog>
  );
}

/** Those of this session first, then the free ones, then those of other rooms. */
const byPlace = (id: string) => (a: Device, b: Device): number => rank(a, id) - rank(b, id) || a.device_id.localeCompare(b.device_id);
const rank = (device: Device, id: string): number => (device.session_id === id ? 0 : device.session_id === null ? 1 : 2);

function told(device: Device, id: string, at: number): string {
  const quiet = (at - Date.parse(device.last_seen)) / 1000;
  const where = device.session_id === id ? "attached here" : device.session_id === null ? "free" : `in room ${sessionOf(device.session_id).value?.room ?? "?"}`;
  const values = SAID.flatMap(([signal, word]) => {
    const said = device.signals[signal];
    return said && (at - Date.parse(said.observed_at)) / 1000 < SILENT_S ? [`${word} ${number(said.value)}`] : [];
  });
  const now_ = quiet > SILENT_S ? `silent for ${age(quiet)}` : values.slice(0, 3).join(", ") || "no values";
  return `${where} · ${now_}`;
}
