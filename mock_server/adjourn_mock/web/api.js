// The control API, and its stream of events.

const TOKEN = "adjourn-control-token";
let token = sessionStorage.getItem(TOKEN);
let asking = null;

export class ApiError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** What asks for the control token, where the mock has one: set by the page. */
let askToken = async () => null;
export function onTokenNeeded(act) {
  askToken = act;
}

function headers(more = {}) {
  return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

async function send(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: headers(options.headers) });
  } catch {
    throw new ApiError(0, "The mock does not answer.");
  }
  if (response.status === 401) {
    asking ??= askToken().finally(() => { asking = null; });
    const given = await asking;
    if (given) {
      token = given;
      sessionStorage.setItem(TOKEN, given);
      return send(path, options);
    }
  }
  return response;
}

async function call(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  const response = await send(path, options);
  const text = await response.text();
  let value = null;
  try {
    value = text ? JSON.parse(text) : null;
  } catch {
    throw new ApiError(response.status, `The mock answered ${response.status} without JSON.`);
  }
  if (!response.ok) throw new ApiError(response.status, value?.error ?? `The mock answered ${response.status}.`);
  return value;
}

/** The document in force: the names of the operations, the schema of each body, the states of a run. */
export async function contract() {
  const document = await call("GET", "../openapi.json");
  const found = Object.values(document.paths).flatMap((item) => Object.values(item)).filter((each) => each.operationId);
  const schema = ({ $ref, ...own }) => ($ref ? $ref.split("/").slice(1).reduce((value, part) => value[part], document) : own);
  const bodies = found.filter((each) => each.requestBody).map((each) => [each.operationId, schema(each.requestBody.content["application/json"].schema)]);
  return { operations: found.map((each) => each.operationId), bodies: Object.fromEntries(bodies), runStates: document.components.schemas.RunStatus.enum };
}

export const api = {
  get: (path) => call("GET", path),
  post: (path, body) => call("POST", path, body),
  put: (path, body) => call("PUT", path, body),
  patch: (path, body) => call("PATCH", path, body),
  delete: (path) => call("DELETE", path),
};

/** The path of something of an environment, relative to the page. */
export function of(environment, ...parts) {
  return ["environments", environment, ...parts].map(encodeURIComponent).join("/");
}

export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

/**
 * Follow an environment's events until `signal` is aborted; start again where the connection ends.
 * @param {{ event: (name: string, data: any) => void, state: (name: string) => void, start: () => void }} on
 */
export async function follow(environment, on, signal) {
  for (let wait = 500; !signal.aborted; wait = Math.min(wait * 2, 5000)) {
    try {
      const response = await send(of(environment, "events"), { signal });
      if (response.status === 404) {
        on.state("gone");
        return;
      }
      if (!response.ok) throw new ApiError(response.status, (await response.json()).error);
      on.start();
      on.state("live");
      wait = 500;
      await read(response.body, on.event);
    } catch (error) {
      if (signal.aborted) return;
      on.state(error.status === 429 ? "too many pages" : "reconnecting");
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (!signal.aborted) on.state("reconnecting");
  }
}

/** Server-sent events, by hand: an EventSource sends no headers, and the control token is one. */
async function read(stream, event) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n");
      const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
      const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (name) event(name, JSON.parse(data));
    }
  }
}
