// src/events.ts from the events' JSON schema: `npm run generate`; with --print to standard output instead.
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const venv = here("../../../.venv/bin/python");
const python = process.env.KAP_PYTHON ?? (existsSync(venv) ? venv : "python3");
const { possible, totals, ...schema } = JSON.parse(execFileSync(python, ["-m", "projections.schema"], { encoding: "utf8", maxBuffer: 1 << 24 }));

// A map whose keys are a fixed set (the signals) becomes an object with those optional properties.
const spelled = (node) => {
  if (Array.isArray(node)) return node.map(spelled);
  if (node === null || typeof node !== "object") return node;
  const { propertyNames, additionalProperties, ...rest } = node;
  if (!propertyNames?.enum) return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, spelled(value)]));
  return { ...rest, properties: Object.fromEntries(propertyNames.enum.map((name) => [name, additionalProperties])), additionalProperties: false };
};

const text = await compile(spelled(schema), "Event", {
  additionalProperties: false,
  bannerComment: "/* Generated from the events' JSON schema by `npm run generate`. Do not edit. */",
  style: { printWidth: 110 },
  ignoreMinAndMaxItems: true,
});

// What a number of an entry can be at all, so that a form says it before anything is sent.
const boundOf = ({ anyOf = [], ...own }) => {
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum, type } = anyOf.find((one) => /integer|number/.test(one.type)) ?? own;
  const bound = { from: minimum, over: exclusiveMinimum, to: maximum, under: exclusiveMaximum };
  return Object.values(bound).some((value) => value !== undefined) ? { ...bound, ...(type === "integer" && { whole: true }) } : undefined;
};
const boundsOf = ({ properties = {} }) => Object.fromEntries(Object.entries(properties).flatMap(([name, node]) => (boundOf(node) ? [[name, boundOf(node)]] : [])));
const entries = Object.entries(schema.$defs).filter(([name, { properties }]) => name === "Dose" || name === "Aldrete" || properties?.type?.const);
const bounds = Object.fromEntries([
  ...entries.map(([name, node]) => [name, boundsOf(node)]).filter(([, found]) => Object.keys(found).length > 0),
  ["Measure", Object.fromEntries(Object.entries(totals).map(([name, to]) => [name, { from: 0, to, whole: true }]))],
  ["VitalRecorded", Object.fromEntries(Object.entries(possible).map(([name, [from, to]]) => [name, { from, to }]))],
]);
const withBounds = `${text}\nexport const BOUNDS = ${JSON.stringify(bounds, null, 2)} as const;\n`;

if (process.argv.includes("--print")) process.stdout.write(withBounds);
else writeFileSync(here("src/events.ts"), withBounds);
