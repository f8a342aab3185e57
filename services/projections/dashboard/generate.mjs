// src/events.ts from the events' JSON schema: `npm run generate`; with --print to standard output instead.
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const venv = here("../../../.venv/bin/python");
const python = process.env.KAP_PYTHON ?? (existsSync(venv) ? venv : "python3");
const schema = JSON.parse(execFileSync(python, ["-m", "projections.schema"], { encoding: "utf8", maxBuffer: 1 << 24 }));

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

if (process.argv.includes("--print")) process.stdout.write(text);
else writeFileSync(here("src/events.ts"), text);
