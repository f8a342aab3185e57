/* Every monitor that was heard, attached or not, and what is wrong with it. */
import { useState } from "preact/hooks";
import { isSilent, placeOfAll, SKEW_MS } from "../freshness";
import type { Device } from "../model";
import * as queries from "../queries";
import { useRead } from "../read";
import { useFirstOrder, useStable } from "../stable";
import { ids, loaded, may, now, sessionOf } from "../store";
import { deviceTold } from "../views";
import { age, clockTime } from "../words";
import { Choice } from "./fields";
import { FormDialog, useForm } from "./form";
import { Icon } from "./icon";
import { Nothing, Page, Reading } from "./page";

const EVERY_MS = 2_000;

export function DevicesPage() {
  const read = useRead(queries.devices, [], EVERY_MS);
  const [attaching, setAttaching] = useState<Device | null>(null);
  return (
    <Page title="Monitors" lead="Every monitor that was heard. Readings of one that is attached to no session stand here, and with no patient.">
      <Reading of={read} what="Which monitors send">
        {(devices) =>
          devices.length === 0 ? (
            <Nothing icon="unplugged" title="No monitor has been heard">
              Set the monitor's results to be sent to KAP (HL7 over MLLP). It appears here with its first message.
            </Nothing>
          ) : (
            <Monitors devices={devices} attach={setAttaching} />
          )
        }
      </Reading>
      {attaching && <Attach device={attaching} close={() => setAttaching(null)} done={read.changed} />}
    </Page>
  );
}

function Monitors({ devices, attach }: { devices: readonly Device[]; attach(device: Device): void }) {
  const placed = useFirstOrder(devices, (device) => device.device_id, (device) => placeOfAll(device, now.peek()));
  return (
    <ul class="devices">
      {placed.map((device) => (
        <Monitor key={device.device_id} device={device} attach={() => attach(device)} />
      ))}
    </ul>
  );
}

function Monitor({ device, attach }: { device: Device; attach(): void }) {
  const room = useStable(() => (device.session_id && loaded.value && ids.value ? (sessionOf(device.session_id).value?.room ?? null) : null), [device.session_id]);
  const seen = useStable(() => Math.max(0, Math.floor((now.value - Date.parse(device.last_seen)) / 1000)), [device.last_seen]);
  const skewed = device.skew_s !== null && Math.abs(device.skew_s) * 1000 > SKEW_MS;
  const silent = useStable(() => isSilent(device, now.value), [device]);
  const told = useStable(() => deviceTold(device, now.value), [device]);
  return (
    <li class="panel device" data-device={device.device_id}>
      <div class="device-h">
        <Icon name={device.session_id ? "monitor" : "unplugged"} />
        <div>
          <h2>{device.device_id}</h2>
          {device.name && device.name !== device.device_id && <p>{device.name}</p>}
        </div>
        {device.session_id ? (
          <a class="btn quiet" href={`/sessions/${device.session_id}`}>
            {room ? `Room ${room}` : "Its session"}
          </a>
        ) : may("session", "AttachDevice") ? (
          <button type="button" class="btn" onClick={attach}>
            Attach
            <span class="sr"> {device.device_id}</span>
          </button>
        ) : (
          <b class="boxed-word">not attached</b>
        )}
      </div>
      <p class="device-seen">
        {silent ? <b>silent for {age(seen)}</b> : `heard ${age(seen)} ago`}
        {skewed && (
          <b>
            , its clock is {Math.abs(device.skew_s ?? 0).toFixed(1)} s {(device.skew_s ?? 0) > 0 ? "ahead" : "behind"}
          </b>
        )}
      </p>
      {told.length === 0 ? (
        <p class="device-values">No value yet.</p>
      ) : (
        <ul class="device-values">
          {told.map(({ name, value, unit, state, when }) => (
            <li key={name} data-state={state}>
              <span>{name}</span>{" "}
              <span>
                <b>{value}</b> {state !== "gone" && unit}
              </span>{" "}
              <small>{when}</small>
            </li>
          ))}
        </ul>
      )}
      {(device.faults.length > 0 || device.unknown_codes.length > 0) && (
        <ul class="faults">
          {device.faults.map((fault) => (
            <li key={`${fault.kind}${fault.about}`}>
              <Icon name="alert" />
              <span>
                {fault.text}
                <small>since {clockTime(Date.parse(fault.first))}</small>
              </span>
            </li>
          ))}
          {device.unknown_codes.map((code) => (
            <li key={code.code}>
              <Icon name="alert" />
              <span>
                Unknown code {code.code}
                {code.name && ` (${code.name})`}: not charted
                <small>
                  last {clockTime(Date.parse(code.last))}
                  {code.count > 1 && `, ${code.count} times`}
                </small>
              </span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function Attach({ device, close, done }: { device: Device; close(): void; done(): void }) {
  const open = useStable(() => ids.value.flatMap((id) => {
    const s = sessionOf(id).value;
    return s?.state === "open" ? [{ value: id, room: s.room, label: s.label, devices: s.devices.length }] : [];
  }), []);
  const form = useForm({
    id: "attach",
    make: (reader) => ({ type: "AttachDevice", session_id: reader.text("session_id", "The room"), device_id: device.device_id }),
    recorded() {
      done();
      close();
    },
  });
  const options = open.map(({ value, room, label, devices }) => ({ value, label: `Room ${room}`, note: [label, devices ? "has a monitor" : "no monitor"].filter(Boolean).join(", ") }));
  return (
    <FormDialog
      form={form}
      title="Attach a monitor"
      hint="Look at the bed: is this the monitor that stands there?"
      about={<b>{device.device_id}</b>}
      button="Attach"
      icon="monitor"
      blocked={options.length === 0 ? "No session is open." : ""}
      close={close}
    >
      {options.length === 0 ? <p>Open a session first; monitors are attached to sessions, not to rooms.</p> : <Choice form={form} name="session_id" label="To the session in" options={options} list />}
    </FormDialog>
  );
}
