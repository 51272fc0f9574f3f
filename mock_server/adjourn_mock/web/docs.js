// The document that the mock keeps, to be read and tried.

import { api, of, onTokenNeeded } from "./api.js";
import { ask, attempt, badge, copy, field, h, notice, pretty, statusTone } from "./dom.js";
import { quoted } from "./curl.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const $ = (selector) => document.querySelector(selector);
let spec = null;
let clauses = new Map();
let zones = new Map();
/** The key that is tried with; nothing but this page's memory keeps it. */
let secretKey = "";

onTokenNeeded(async () => {
  const input = h("input", { type: "password", autocomplete: "off", required: true });
  return (await ask("This mock asks for its control token", field("Control token", input), "Go on")) ? input.value : null;
});

function resolve(node) {
  if (!node?.$ref) return node;
  const { $ref, ...beside } = node;
  const found = $ref.slice(2).split("/").reduce((value, part) => value[part.replaceAll("~1", "/").replaceAll("~0", "~")], spec);
  return { ...resolve(found), ...beside };
}

function nameOf(node) {
  return node?.$ref?.startsWith("#/components/schemas/") ? node.$ref.split("/").pop() : null;
}

/** Text with `code` in it, as elements. */
function prose(text = "") {
  return text.split(/\n\s*\n/).map((paragraph) => h("p", {}, paragraph.split(/`([^`]+)`/).map((part, index) => (index % 2 ? h("code", {}, part) : part))));
}

function type(schema) {
  const name = nameOf(schema);
  if (name) return h("a", { href: `#schema-${name}` }, name);
  const known = resolve(schema);
  if (known.enum) return h("code", {}, known.enum.map((value) => JSON.stringify(value)).join(" | "));
  if (known.const !== undefined) return h("code", {}, JSON.stringify(known.const));
  const several = known.oneOf ?? known.anyOf;
  if (several) return h("span", {}, several.flatMap((each, index) => [index ? " or " : "", type(each)]));
  const kind = [known.type ?? "any"].flat().join(" or ");
  if (known.type === "array" && known.items) return h("span", {}, "array of ", type(known.items));
  return h("span", {}, known.format ? `${kind} (${known.format})` : kind);
}

const LIMITS = {
  minLength: (value) => `at least ${value} characters`, maxLength: (value) => `at most ${value} characters`,
  minimum: (value) => `${value} or more`, maximum: (value) => `${value} or less`, minItems: (value) => `at least ${value}`,
  maxItems: (value) => `at most ${value}`, pattern: (value) => `matches ${value}`, default: (value) => `${JSON.stringify(value)} by default`,
  uniqueItems: () => "no two the same", minProperties: (value) => `at least ${value} members`, maxProperties: (value) => `at most ${value} members`,
};

function limits(schema) {
  const known = resolve(schema);
  return Object.entries(LIMITS).filter(([name]) => known[name] !== undefined).map(([name, text]) => text(known[name])).join("; ");
}

function members(schema, label) {
  const known = resolve(schema);
  if (!known.properties) return h("p", {}, type(known), limits(known) ? `; ${limits(known)}` : "");
  const required = known.required ?? [];
  return h("div.table", { tabindex: "0", role: "region", "aria-label": `Members of ${label}` }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", {}, "member"), h("th", {}, "type"), h("th", {}, "what it is"))),
    h("tbody", {}, Object.entries(known.properties).map(([name, each]) => h("tr", {},
      h("td", {}, h("code", {}, name), " ", required.includes(name) ? badge("required", "info") : ""),
      h("td", {}, type(each)),
      h("td", {}, prose(resolve(each).description), limits(each) && h("p.quiet", {}, limits(each))))))));
}

function clause(slug) {
  const known = clauses.get(slug);
  return h("li", {}, h("code", {}, slug), known ? `: ${known.statement}` : "");
}

function response(status, node) {
  const known = resolve(node);
  const media = known.content?.["application/json"];
  const refusals = Object.entries(known["x-refusals"] ?? {});
  const tone = /^\d/.test(status) ? statusTone(Number(status[0]) * 100) : "";
  return h("div.card.response", { class: `card response ${tone}` },
    h("h4", {}, badge(status, tone), " ", known.description ?? ""),
    media?.schema && h("p", {}, type(media.schema)),
    known["x-clauses"] && h("ul", {}, [known["x-clauses"]].flat().map(clause)),
    refusals.length > 0 && h("ul", {}, refusals.map(([slug, refusal]) => h("li", {},
      h("code", {}, slug), ": ", clauses.get(slug)?.statement ?? "", " ", h("span.quiet", {}, `\u201c${typeof refusal === "string" ? refusal : refusal.error ?? ""}\u201d`)))),
    examples(media));
}

function examples(media) {
  const listed = Object.entries(media?.examples ?? {}).map(([name, node]) => [resolve(node).summary ?? name, resolve(node).value]);
  if (media?.example !== undefined) listed.push(["Example", media.example]);
  return listed.map(([name, value]) => h("details", {}, h("summary", {}, name),
    h("pre", { tabindex: "0", "aria-label": name }, JSON.stringify(value, null, 2))));
}

function operationOf(path, method, item) {
  const operation = item[method];
  const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve);
  const body = operation.requestBody && resolve(operation.requestBody);
  const media = body?.content?.["application/json"];
  return h("section", { id: operation.operationId, "aria-label": operation.summary },
    h("h2", {}, operation.summary),
    h("p.path", {}, badge(method.toUpperCase(), "info"), h("span", {}, path), h("button", { type: "button", onclick: () => copy(path) }, "Copy")),
    prose(operation.description),
    parameters.length > 0 && h("section", {}, h("h3", {}, "Parameters"),
      h("div.table", { tabindex: "0", role: "region", "aria-label": `Parameters of ${operation.operationId}` }, h("table", {},
        h("thead", {}, h("tr", {}, h("th", {}, "name"), h("th", {}, "in"), h("th", {}, "type"), h("th", {}, "what it is"))),
        h("tbody", {}, parameters.map((each) => h("tr", {},
          h("td", {}, h("code", {}, each.name), " ", each.required ? badge("required", "info") : ""),
          h("td", {}, each.in), h("td", {}, type(each.schema)),
          h("td", {}, prose(each.description), limits(each.schema) && h("p.quiet", {}, limits(each.schema))))))))),
    body && h("section", {}, h("h3", {}, "Body ", body.required ? badge("required", "info") : badge("may be left out")),
      prose(body.description),
      body["x-body-limit-bytes"] && h("p", {}, `At most ${body["x-body-limit-bytes"]} bytes. `, nameOf(media?.schema) && type(media.schema)),
      media && members(media.schema, `the body of ${operation.operationId}`), examples(media)),
    h("section", {}, h("h3", {}, "Answers"), Object.entries(operation.responses).map(([status, node]) => response(status, node))),
    operation["x-grey-zones"] && h("details", {}, h("summary", {}, `${operation["x-grey-zones"].length} points on which the sources disagree`),
      h("div.table", { tabindex: "0", role: "region", "aria-label": `Grey zones of ${operation.operationId}` }, h("table", {},
        h("thead", {}, h("tr", {}, h("th", {}, "question"), h("th", {}, "documented dialect"), h("th", {}, "server dialect"))),
        h("tbody", {}, operation["x-grey-zones"].map((slug) => {
          const zone = zones.get(slug);
          return h("tr", {}, h("td", {}, h("code", {}, slug), h("p", {}, zone?.question ?? "")), h("td", {}, zone?.documented ?? ""), h("td", {}, zone?.server ?? ""));
        }))))),
    trial(path, method, operation, parameters, media));
}

function trial(path, method, operation, parameters, media) {
  const inputs = parameters.map((each) => [each, h("input", { placeholder: each.example === undefined ? "" : String(each.schema?.type === "object" || typeof each.example === "object" ? JSON.stringify(each.example) : each.example), required: each.in === "path" })]);
  const key = h("input", { type: "password", autocomplete: "off", placeholder: "tr_dev_..." });
  key.addEventListener("focus", () => { if (!key.value) key.value = secretKey; });
  key.addEventListener("input", () => { secretKey = key.value; });
  const first = Object.values(media?.examples ?? {}).map(resolve)[0]?.value ?? media?.example;
  const body = media && h("textarea", { rows: "5", spellcheck: "false" });
  if (body) body.value = first === undefined ? "" : JSON.stringify(first, null, 2);
  const outcome = h("div", { role: "status", "aria-label": "The answer" });
  const send = async (event) => {
    event.preventDefault();
    let target = path;
    const search = new URLSearchParams();
    for (const [each, input] of inputs) {
      if (each.in === "path") target = target.replace(`{${each.name}}`, encodeURIComponent(input.value));
      else if (input.value) query(search, each, input.value);
    }
    const url = new URL(`..${target}${search.size ? `?${search}` : ""}`, document.baseURI);
    const headers = key.value ? { Authorization: `Bearer ${key.value}` } : {};
    if (body?.value) headers["Content-Type"] = "application/json";
    const line = ["curl", "-X", method.toUpperCase(), "--globoff", quoted(url.href),
      ...(key.value ? ["-H", '"Authorization: Bearer $TRIGGER_SECRET_KEY"'] : []),
      ...(body?.value ? ["-H", "'Content-Type: application/json'", "--data-raw", quoted(body.value)] : [])].join(" ");
    try {
      const answer = await fetch(url, { method: method.toUpperCase(), headers, body: body?.value || undefined });
      const text = await answer.text();
      outcome.replaceChildren(
        h("p.row", {}, badge(String(answer.status), statusTone(answer.status)), h("button", { type: "button", onclick: () => copy(line) }, "Copy as curl"), h("a", { href: "./#/journal" }, "See it in the journal")),
        h("pre", { tabindex: "0", "aria-label": "The body" }, pretty(text) || "no body"));
    } catch {
      notice("The mock does not answer.", true);
    }
  };
  const borrow = async () => {
    const listed = await attempt(() => api.get("environments?limit=1"));
    const [environment] = listed?.environments ?? [];
    const shown = environment && await attempt(() => api.get(`${of(environment.id)}?reveal=true`));
    if (!shown) return;
    secretKey = shown.secretKey;
    key.value = secretKey;
  };
  return h("details", { class: "card" }, h("summary", {}, "Try it against this mock"),
    h("form", { onsubmit: send, "aria-label": `Try ${operation.operationId}` },
      inputs.map(([each, input]) => field(each.name, input)),
      field("Secret key", key),
      h("div.row", {}, h("button", { type: "button", onclick: borrow }, "Use the first environment's key")),
      body && field("Body", body),
      h("div.row", {}, h("button.primary", { type: "submit" }, "Send"))),
    outcome);
}

function query(search, parameter, text) {
  if (parameter.style !== "deepObject") {
    let values = text;
    try {
      const parsed = JSON.parse(text);
      if (Array.isArray(parsed)) values = parsed.join(",");
    } catch { /* it is the text itself */ }
    search.set(parameter.name, values);
    return;
  }
  for (const [name, value] of Object.entries(JSON.parse(text))) search.set(`${parameter.name}[${name}]`, value);
}

function draw() {
  const operations = Object.entries(spec.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method]).map((method) => [path, method, item]));
  const schemas = Object.entries(spec.components.schemas);
  document.title = `${spec.info.title} \u2013 reference`;
  $("#content").replaceChildren(
    h("section", { id: "about", "aria-label": "About" }, h("h1", {}, spec.info.title), h("p.quiet", {}, `Version ${spec.info.version}; OpenAPI ${spec.openapi}: `,
      h("a", { href: "../openapi.json" }, "JSON"), ", ", h("a", { href: "../openapi.yaml" }, "YAML")),
      prose(spec.info.description),
      h("h2", {}, "Credentials"),
      h("dl", {}, Object.entries(spec.components.securitySchemes).flatMap(([name, scheme]) => [h("dt", {}, h("code", {}, name)), h("dd", {}, scheme.description)]))),
    ...operations.map(([path, method, item]) => operationOf(path, method, item)),
    ...schemas.map(([name, schema]) => h("section", { id: `schema-${name}`, "aria-label": name }, h("h2", {}, name), prose(schema.description), members(schema, name))),
  );
  const lines = (title, listed) => [h("h2", {}, title), h("ul", {}, listed)];
  $("#contents").replaceChildren(
    ...lines("Operations", operations.map(([, method, item]) => h("li", {}, h("a", { href: `#${item[method].operationId}` }, h("span.method.quiet", {}, method.toUpperCase()), item[method].summary)))),
    ...lines("Schemas", schemas.map(([name]) => h("li", {}, h("a", { href: `#schema-${name}` }, name)))),
  );
}

/** Show the sections that have the words in them, and their lines in the contents. */
function search() {
  const words = $("#search").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll("#content > section")) {
    section.hidden = !words.every((word) => section.textContent.toLowerCase().includes(word));
    const link = document.querySelector(`#contents a[href="#${CSS.escape(section.id)}"]`);
    if (link) link.parentElement.hidden = section.hidden;
  }
}

const theme = localStorage.getItem("adjourn-theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
$("#search").addEventListener("input", search);
const [read, known] = await Promise.all([fetch("../openapi.json").then((answer) => answer.json()), attempt(() => api.get("clauses"))]);
spec = read;
clauses = new Map(known?.clauses.map((each) => [each.clause, each]) ?? []);
zones = new Map(known?.greyZones.map((each) => [each.greyZone, each]) ?? []);
draw();
if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
