// The chat of a session: the records of its channels, and what writes to them: the agent, the run, the tester.

import { api, of, query } from "./api.js";
import { Detail } from "./detail.js";
import { attempt, badge, choice, debounced, field, h, notice, offer, timeOfDay } from "./dom.js";
import { List } from "./list.js";

// How often records are looked for that no exchange announces, such as those of an agent that takes its time.
const POLL_MILLISECONDS = 2000;
// Class and head of each column.
const COLUMNS = [["time", "Time"], ["channel", "Channel"], ["seq", "No."], ["kind", "Kind"], ["text", "Text"], ["part", "Part id"]];
const RULE = { turns: [{ text: "Hello!" }] };

export class ChatsView {
  constructor(page) {
    this.page = page;
    this.session = "";
    this.records = [];
    this.round = 0;
    this.search = h("input", { type: "search", placeholder: "Session: id or externalId", "aria-label": "Session", oninput: debounced(() => this.choose(this.search.value), 300) });
    this.channel = choice([["", "Both channels"], ["in", "in"], ["out", "out"]], { "aria-label": "Channel", onchange: () => this.draw() });
    this.summary = h("div.summary", { role: "status" });
    this.list = new List({
      label: "Records, newest first", kind: "record", empty: "No records yet.",
      key: (record) => `${record.channel} ${record.seq}`, columns: COLUMNS, cells, open: (record) => this.open(record),
    });
    this.detail = new Detail("Choose a record to see all of it, or write to the channel.");
    this.detail.onclose = () => this.list.element.focus();
    this.elements = [h("div.split", {},
      h("div.pane", {},
        h("div.bar", {}, this.search, this.channel,
          h("button.primary", { type: "button", onclick: () => this.tools() }, "Agent, run, append")),
        this.summary,
        this.list.element),
      this.detail.element)];
    this.again = debounced(() => this.load(), 150);
    setInterval(() => { if (this.isSeen() && this.session && !this.error) this.load(); }, POLL_MILLISECONDS);
  }

  contract({ runStates }) {
    this.runStates = runStates;
  }

  start() {
    this.choose("");
    if (this.isSeen()) this.shown(new URLSearchParams());
  }

  isSeen() {
    return this.elements[0].isConnected && !document.hidden && this.page.environment;
  }

  async shown(values) {
    const wanted = values.get("session");
    if (wanted) {
      this.search.value = wanted;
      await this.choose(wanted);
    } else if (!this.session && this.page.environment) {
      const newest = (await attempt(() => api.get(this.path("sessions") + query({ limit: 1 }))))?.sessions[0];
      if (newest && !this.session) {
        this.search.value = newest.externalId ?? newest.id;
        await this.choose(this.search.value);
      }
    }
    this.list.draw();
  }

  event(name, data) {
    if (name === "exchange" && this.isSeen() && [data.session?.id, data.session?.externalId].includes(this.session)) this.again();
  }

  path(...parts) {
    return of(this.page.environment.id, ...parts);
  }

  async choose(session) {
    this.session = session;
    this.records = [];
    this.list.select(null);
    this.detail.clear();
    await this.load();
  }

  /** The records as they are now, and the run. */
  async load() {
    this.round += 1;
    const { round, session } = this;
    const asked = query({ session });
    let found = [{ messages: [] }, { records: [] }, null];
    let error = "";
    try {
      if (session) found = await Promise.all([api.get(this.path("sent") + asked), api.get(this.path("out") + asked), api.get(this.path("runs") + asked)]);
    } catch (failure) {
      error = failure.message;
    }
    if (round !== this.round) return;
    const [{ messages }, { records }, run] = found;
    this.run = run;
    this.error = error;
    this.records = [...messages.map(ofIn), ...records.map(ofOut)].sort((a, b) => b.timestamp - a.timestamp || (a.channel === b.channel ? b.seq - a.seq : a.channel < b.channel ? 1 : -1));
    this.draw();
  }

  draw() {
    const chosen = this.channel.value;
    const seen = this.records.filter((record) => !chosen || record.channel === chosen);
    this.list.show(seen, { kept: true });
    const count = (name) => this.records.filter((record) => record.channel === name).length;
    const counted = `${count("in")} in, ${count("out")} out${this.run ? `; run ${this.run.status}` : ""}`;
    this.summary.textContent = this.error || (this.session ? counted : "Choose a session.");
  }

  open(record) {
    this.list.select(`${record.channel} ${record.seq}`);
    this.detail.open(
      `${record.channel} ${record.seq}`,
      h("dl", {},
        h("dt", {}, "kind"), h("dd", {}, record.kind || "none"),
        h("dt", {}, "trigger"), h("dd", {}, record.trigger ?? "none"),
        h("dt", {}, "text"), h("dd", {}, record.text || "none"),
        h("dt", {}, "part id"), h("dd.mono", {}, record.part || "none"),
        h("dt", {}, "appended"), h("dd", {}, new Date(record.timestamp).toISOString())),
      h("h3", {}, "The record"), h("pre", { tabindex: "0", "aria-label": "The record" }, masked(JSON.stringify(record.whole, null, 2))),
    );
  }

  /** What can be done to the session's chat. */
  async tools() {
    const { session } = this;
    if (!session) {
      notice("Choose a session first.", true);
      return;
    }
    const script = await attempt(() => api.get(this.path("agent")));
    if (!script || session !== this.session) return;
    this.list.select(null);
    this.detail.open(session, this.appending(session), this.scripting(session, script), this.running(session));
  }

  appending(session) {
    const kind = choice([["data", "data"], ["control", "control record"]], { onchange: () => update() });
    const data = h("textarea", { rows: "3" });
    data.value = '{"type": "text-delta", "id": "text-1", "delta": "hi"}';
    const control = h("input", { value: "turn-complete", required: true });
    const headers = h("input", { placeholder: '{"session-closed": "true"}' });
    const [dataField, controlField, headersField] = [field("Data, as JSON", data), field("Kind of the control record", control), field("Headers, as JSON", headers)];
    const update = () => {
      const isData = kind.value === "data";
      dataField.hidden = !isData;
      controlField.hidden = headersField.hidden = isData;
    };
    update();
    return h("form.card", { novalidate: true, onsubmit: (event) => this.sends(event, async () => {
      const body = kind.value === "data"
        ? { session, data: JSON.parse(data.value) }
        : { session, control: control.value, ...(headers.value ? { headers: JSON.parse(headers.value) } : {}) };
      const { seq } = await api.post(this.path("out"), body);
      return `Appended as ${seq}`;
    }) }, h("h3", {}, "Append to out"), field("Record", kind), dataField, controlField, headersField,
    h("div.row", {}, h("button.primary", { type: "submit" }, "Append")));
  }

  scripting(session, script) {
    const text = h("textarea.mono", { rows: "8", spellcheck: "false" });
    const scope = choice([["environment", "the environment: replace the script"], ["session", "this session: add a rule before the others"]],
      { onchange: () => show() });
    let current = script;
    const show = () => { text.value = JSON.stringify(scope.value === "environment" ? current : RULE, null, 2); };
    show();
    return h("form.card", { onsubmit: (event) => this.sends(event, async () => {
      const value = JSON.parse(text.value);
      if (scope.value === "environment") current = await api.put(this.path("agent"), value);
      else current = await api.post(this.path("agent"), { ...value, session });
      scope.value = "environment";
      show();
      return "The script is set";
    }) }, h("h3", {}, "Agent"), field("Applies to", scope), field("Script, as JSON", text), h("div.row", {},
      h("button.primary", { type: "submit" }, "Set the script"),
      h("button", { type: "button", onclick: (event) => this.sends(event, async () => {
        await api.delete(this.path("agent"));
        current = await api.get(this.path("agent"));
        scope.value = "environment";
        show();
        return "The agent echoes";
      }) }, "Echo again")));
  }

  running(session) {
    const state = choice([["", "Choose a state"]], { required: true });
    offer(state, (this.runStates ?? []).map((name) => [name, name]));
    return h("form.card", { onsubmit: (event) => this.sends(event, async () => {
      const run = await api.put(this.path("runs"), { session, status: state.value });
      return `The run is ${run.status}`;
    }) }, h("h3", {}, "Run"), field("State", state), h("div.row", {}, h("button.primary", { type: "submit" }, "Set the state")));
  }

  async sends(event, act) {
    event.preventDefault();
    const done = await attempt(act);
    if (done === null) return;
    notice(done);
    await this.load();
  }
}

function ofIn(message) {
  return { ...message, channel: "in", whole: message.data };
}

function ofOut(record) {
  const control = record.headers?.find(([name]) => name === "trigger-control")?.[1];
  const { data } = record;
  const isCommand = record.headers?.[0][0] === "";
  const text = record.headers
    ? record.headers.filter(([name]) => name !== "trigger-control").map(([name, value]) => (name ? `${name}: ${masked(value)}` : value)).join(", ")
    : data?.delta ?? data?.errorText ?? (typeof data === "string" ? data : JSON.stringify(data));
  return { channel: "out", seq: record.seqNum, timestamp: record.timestamp, kind: control ?? (isCommand ? "command" : data?.type ?? ""), trigger: null, text, part: record.id, whole: record };
}

/** Tokens are shown no more than keys are. */
function masked(text) {
  return text.replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, "eyJ...");
}

function cells(record) {
  const kind = [record.kind, record.trigger].filter(Boolean).join(" ");
  return [
    h("span.time.mono", {}, timeOfDay(new Date(record.timestamp).toISOString())),
    h("span.channel", {}, badge(record.channel, record.channel === "in" ? "info" : "good")),
    h("span.seq.mono", {}, String(record.seq)),
    h("span.kind", { title: kind }, kind || h("span.quiet", {}, "none")),
    h("span.text", { title: record.text ?? "" }, record.text ?? ""),
    h("span.part.mono.quiet", { title: record.part }, record.part),
  ];
}
