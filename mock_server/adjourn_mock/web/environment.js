// One environment as a whole: key, dialect, clock, state.

import { api, of } from "./api.js";
import { ask, attempt, choice, copy, field, h, notice } from "./dom.js";

export class EnvironmentView {
  constructor(page) {
    this.page = page;
    this.secretKey = null;
    this.elements = [h("div.settings", {})];
  }

  start() {
    this.secretKey = null;
    this.drawn = null;
    this.draw();
  }

  shown() {
    this.draw();
  }

  event(name, data) {
    if (name === "environment" && (this.drawn !== sign(data))) this.draw();
  }

  draw() {
    const { environment } = this.page;
    if (!environment) return;
    const [settings] = this.elements;
    if (settings.contains(document.activeElement) && document.activeElement.matches("input")) return;
    this.drawn = sign(environment);
    settings.replaceChildren(this.identity(environment), this.dialect(environment), this.clock(environment), this.state(environment), this.others(environment));
  }

  identity(environment) {
    const lines = () => `export TRIGGER_API_URL=${location.origin}\nexport TRIGGER_SECRET_KEY=${this.secretKey ?? environment.secretKey}`;
    const shown = h("pre", { tabindex: "0", "aria-label": "Variables of the environment" }, lines());
    const reveal = async () => {
      if (this.secretKey) this.secretKey = null;
      else this.secretKey = (await attempt(() => api.get(`${of(environment.id)}?reveal=true`)))?.secretKey ?? null;
      shown.textContent = lines();
      button.textContent = this.secretKey ? "Mask the key" : "Show the key";
    };
    const button = h("button", { type: "button", onclick: reveal }, this.secretKey ? "Mask the key" : "Show the key");
    return h("section.card", {},
      h("h2", {}, environment.name),
      h("dl", {}, h("dt", {}, "id"), h("dd.mono", {}, environment.id), h("dt", {}, "kind"), h("dd", {}, environment.kind)),
      shown,
      h("div.row", {}, button, h("button", { type: "button", onclick: async () => {
        if (!this.secretKey) await reveal();
        if (this.secretKey) await copy(lines());
      } }, "Copy the variables")));
  }

  dialect(environment) {
    const chosen = choice([["documented", "documented"], ["server", "server"]], { "aria-label": "Dialect", onchange: () =>
      attempt(() => api.patch(of(environment.id), { dialect: chosen.value })) });
    chosen.value = environment.dialect;
    return h("section.card", {},
      h("h2", {}, "Dialect"),
      h("p", {}, "How it answers where the sources disagree: as the documentation says, or as the production server does."),
      chosen);
  }

  clock(environment) {
    const change = (body) => attempt(() => api.post(of(environment.id, "clock"), body));
    const moment = h("input", { placeholder: "2026-01-01T00:00:00Z" });
    const step = h("input", { placeholder: "90s, 2h, 1d" });
    return h("section.card", {},
      h("h2", {}, "Clock"),
      h("p", {}, environment.clock.frozen ? `Frozen at ${environment.clock.now}.` : "Running."),
      h("div.row", {},
        environment.clock.frozen
          ? h("button", { type: "button", onclick: () => change({ resume: true }) }, "Resume")
          : h("button", { type: "button", onclick: () => change({ freeze: true }) }, "Freeze")),
      h("form", { onsubmit: (event) => { event.preventDefault(); if (step.value) { change({ advance: step.value }); step.blur(); } } },
        field("Advance by", step), h("div.row", {}, h("button", { type: "submit" }, "Advance"))),
      h("form", { onsubmit: (event) => { event.preventDefault(); if (moment.value) { change({ set: moment.value }); moment.blur(); } } },
        field("Set to", moment), h("div.row", {}, h("button", { type: "submit" }, "Set"))));
  }

  state(environment) {
    const file = h("input", { type: "file", accept: ".json,application/json", "aria-label": "Import sessions from a file", onchange: async () => {
      const [chosen] = file.files;
      if (!chosen) return;
      const loaded = await attempt(async () => api.put(of(environment.id, "state"), JSON.parse(await chosen.text())));
      if (loaded) notice(`${loaded.sessions} sessions`);
      file.value = "";
    } });
    return h("section.card", {},
      h("h2", {}, "State"),
      h("p", {}, `${environment.sessions} sessions. A reset restores the sessions, ids and clock of the start, empties the journal and disables all faults.`),
      h("div.row", {},
        h("button.danger", { type: "button", onclick: async () => {
          if (await ask(`Reset ${environment.name}?`, h("p", {}, "Its sessions are restored to those of the start; the journal is lost."), "Reset", { danger: true })) {
            if (await attempt(() => api.post(of(environment.id, "reset")))) notice("Reset");
          }
        } }, "Reset"),
        h("button", { type: "button", onclick: async () => {
          const state = await attempt(() => api.get(of(environment.id, "state")));
          if (!state) return;
          const url = URL.createObjectURL(new Blob([JSON.stringify(state, null, 2)], { type: "application/json" }));
          h("a", { href: url, download: `${environment.name}.json` }).click();
          setTimeout(() => URL.revokeObjectURL(url), 1000);
        } }, "Export sessions")),
      field("Import sessions from a file (replaces all sessions)", file));
  }

  others(environment) {
    const { page } = this;
    const name = h("input", { placeholder: "kind and number" });
    const kind = choice([["dev", "dev"], ["stg", "stg"], ["prod", "prod"], ["preview", "preview"]]);
    return h("section.card", {},
      h("h2", {}, "Environments"),
      h("form", { onsubmit: async (event) => {
        event.preventDefault();
        const made = await attempt(() => api.post("environments", { kind: kind.value, ...(name.value ? { name: name.value } : {}) }));
        if (!made) return;
        name.blur();
        notice(`${made.name} was created`);
        await page.choose(made.id);
      } }, field("Name", name), field("Kind", kind), h("div.row", {}, h("button", { type: "submit" }, "New environment"))),
      h("p.row", {}, h("button.danger", { type: "button", onclick: async () => {
        if (await ask(`Delete ${environment.name}?`, h("p", {}, "Its key becomes unknown; its sessions, journal and faults are lost."), "Delete", { danger: true })) {
          await attempt(() => api.delete(of(environment.id)));
        }
      } }, `Delete ${environment.name}`)));
  }
}

/** What is drawn of it: where that is the same, nothing is drawn again. */
function sign(environment) {
  const { clock, dialect, sessions, secretKey } = environment;
  return JSON.stringify([clock.frozen && clock.now, clock.frozen, dialect, sessions, secretKey]);
}
