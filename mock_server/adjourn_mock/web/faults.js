// The faults: those that are enabled, and those that can be.

import { api, of } from "./api.js";
import { Detail } from "./detail.js";
import { attempt, badge, choice, field, h, notice } from "./dom.js";
import { List } from "./list.js";

// Class and head of each column.
const COLUMNS = [["name", "Fault"], ["what", "What goes wrong"], ["clause", "Violates"]];

export class FaultsView {
  constructor(page) {
    this.page = page;
    this.known = [];
    this.operations = [];
    this.search = h("input", { type: "search", placeholder: "Name, clause or words", "aria-label": "Search faults", oninput: () => this.draw() });
    this.active = h("div.active", { role: "group", "aria-label": "Enabled faults" });
    this.summary = h("div.summary", { role: "status" });
    this.list = new List({
      label: "Faults that can be enabled", kind: "fault", empty: "No matching faults",
      key: (fault) => fault.name, columns: COLUMNS, cells, open: (fault) => this.open(fault),
    });
    this.detail = new Detail("Choose a fault to enable it.");
    this.detail.onclose = () => this.list.element.focus();
    this.elements = [h("div.split", {},
      h("div.pane", {},
        this.active,
        h("div.bar", {}, this.search, h("button", { type: "button", onclick: () => this.allOff() }, "Disable all")),
        this.summary,
        this.list.element),
      this.detail.element)];
  }

  contract({ operations }) {
    this.operations = operations;
  }

  async start() {
    this.drawActive();
    if (this.known.length) return;
    const found = await attempt(() => api.get("faults"));
    if (!found) return;
    this.known = found.faults.map((fault) => ({ ...fault, text: `${fault.name} ${fault.summary} ${fault.clause ?? "network"}`.toLowerCase() }));
    this.draw();
  }

  shown() {
    this.draw();
  }

  event(name) {
    if (name === "environment") this.drawActive();
  }

  draw() {
    const words = this.search.value.toLowerCase().split(/\s+/);
    const found = this.known.filter((fault) => words.every((word) => fault.text.includes(word)));
    this.list.show(found);
    this.summary.textContent = `${found.length} of ${this.known.length} faults`;
  }

  drawActive() {
    const { active } = this.page.environment;
    this.active.replaceChildren(...(active.length ? active.map((fault) => this.card(fault)) : [h("span.quiet", {}, "No fault is enabled.")]));
  }

  card(fault) {
    const limits = [
      fault.operation, fault.session,
      fault.remaining !== null && `${fault.remaining} left`,
      fault.probability < 1 && `${Math.round(fault.probability * 100)} %`,
      ...Object.entries(fault.parameters).map(([name, value]) => `${name} ${value}`),
    ].filter(Boolean).join(", ");
    return h("div.card", {},
      badge(fault.fault, "bad"), limits && h("span", {}, limits), h("span.quiet", {}, `${fault.hits} ${fault.hits === 1 ? "hit" : "hits"}`),
      h("button", { type: "button", onclick: () => attempt(() => api.delete(of(this.page.environment.id, "faults", fault.id))) }, "Disable", h("span.visually-hidden", {}, ` ${fault.fault}`)));
  }

  async allOff() {
    await attempt(() => api.delete(of(this.page.environment.id, "faults")));
  }

  open(fault) {
    const operation = choice([["", "all operations"], ...this.operations.map((name) => [name, name])]);
    const session = h("input", { placeholder: "all sessions" });
    const times = h("input", { type: "number", min: "1", placeholder: "always" });
    const probability = h("input", { type: "number", min: "0", max: "100", placeholder: "100" });
    const parameters = Object.entries(fault.parameters?.properties ?? {}).map(([name, schema]) => [name, schema, parameter(schema)]);
    const submit = async (event) => {
      event.preventDefault();
      const body = { fault: fault.name };
      if (operation.value) body.operation = operation.value;
      if (session.value) body.session = session.value;
      if (times.value) body.times = Number(times.value);
      if (probability.value) body.probability = Number(probability.value) / 100;
      const given = parameters.filter(([, , input]) => input.value !== "");
      if (given.length) body.parameters = Object.fromEntries(given.map(([name, schema, input]) => [name, value(schema, input)]));
      if (await attempt(() => api.post(of(this.page.environment.id, "faults"), body))) notice(`${fault.name} is enabled`);
    };
    this.detail.open(
      fault.name,
      h("p", {}, fault.summary),
      h("p", {}, fault.clause ? ["It violates ", h("code", {}, fault.clause), "."] : "A network condition: it violates no clause."),
      h("form.card", { onsubmit: submit },
        parameters.map(([name, , input]) => field(name, input)),
        field("Operation", operation),
        field("Session (id or externalId)", session),
        field("Number of requests", times),
        field("Probability (%)", probability),
        h("div.row", {}, h("button.primary", { type: "submit" }, "Enable"))),
    );
  }
}

function types(schema) {
  return [schema.type, ...(schema.anyOf ?? []).map((each) => each.type)].flat().filter(Boolean);
}

function parameter(schema) {
  const placeholder = schema.default === undefined || schema.default === null ? "" : String(schema.default);
  if (types(schema).includes("boolean")) return choice([["", placeholder || "default"], ["true", "yes"], ["false", "no"]]);
  return h("input", { type: types(schema).some((type) => type === "integer" || type === "number") ? "number" : "text", step: "any", placeholder });
}

function value(schema, input) {
  if (types(schema).includes("boolean")) return input.value === "true";
  return input.type === "number" ? Number(input.value) : input.value;
}

function cells(fault) {
  return [
    h("span.name.mono", {}, fault.name),
    h("span.what.quiet", { title: fault.summary }, fault.summary),
    h("span.clause", {}, fault.clause ? badge(fault.clause) : badge("network", "info")),
  ];
}
