// A lawful server that shares no code with the mock: Node's own HTTP, ids, numbers and strings.
//
//     node independent_server.mjs ids=short times=seconds errors=problem ...
//
// It prints its URL. What may differ from server to server is an option; see the places where `option` is used.
import { createHmac, randomUUID } from "node:crypto";
import { createServer } from "node:http";

const option = Object.fromEntries(process.argv.slice(2).map((each) => each.split("=")));
const KEYS = { tr_dev_adjourn: "environment-one", tr_stg_adjourn: "environment-two" };
const CLOSE_BYTES = 1024;
const BODY_BYTES = 32768;
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const MACHINES = ["micro", "small-1x", "small-2x", "medium-1x", "medium-2x", "large-1x", "large-2x"];
const SPANS = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };
const sessions = new Map(Object.values(KEYS).map((name) => [name, { byId: new Map(), byExternalId: new Map() }]));
let made = 0;

class Refusal extends Error {
  constructor(status, headers = {}) {
    super(`refused with ${status}`);
    this.status = status;
    this.headers = headers;
  }
}

function inDigits(number) {
  let text = "";
  do {
    text = DIGITS[number % DIGITS.length] + text;
    number = Math.floor(number / DIGITS.length);
  } while (number > 0);
  return text;
}

function newId() {
  made += 1;
  return `session_${option.ids === "short" ? inDigits(made) : option.ids === "uuid" ? randomUUID() : inDigits(1e9 + made * 7919)}`;
}

function now() {
  const text = new Date().toISOString();
  if (option.times === "seconds") return `${text.slice(0, 19)}Z`;
  return option.times === "micro" ? `${text.slice(0, 23)}456+00:00` : text;
}

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const ISSUER = "https://tokens.example";
const AUDIENCE = "https://sessions.example";
const signature = (text, key) => createHmac("sha256", key).update(text).digest("base64url");

function issue(environment, name) {
  const key = Object.keys(KEYS).find((each) => KEYS[each] === environment);
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const scopes = [`read:sessions:${name}`, `write:sessions:${name}`];
  const claims = { sub: environment, pub: true, scopes, iss: ISSUER, aud: AUDIENCE, exp };
  const text = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(claims)}`;
  return `${text}.${signature(text, key)}`;
}

function verify(token) {
  const [header, payload, signed] = token.split(".");
  try {
    const claims = JSON.parse(Buffer.from(payload, "base64url"));
    const key = Object.keys(KEYS).find((each) => KEYS[each] === claims.sub);
    const isRight = JSON.parse(Buffer.from(header, "base64url")).alg === "HS256" && key !== undefined;
    const isMeant = claims.iss === ISSUER && claims.aud === AUDIENCE && claims.exp > Date.now() / 1000;
    return isRight && isMeant && signed === signature(`${header}.${payload}`, key) ? claims : null;
  } catch {
    return null;
  }
}

function route(request) {
  const parts = request.url.split("?")[0].split("/");
  const isKnown = parts.slice(1, 4).join("/") === "api/v1/sessions" && parts[4] !== "" && (parts.length < 6 || parts[5] === "close");
  const operations = isKnown && [{ GET: list, POST: create }, { GET: retrieve, PATCH: update }, { POST: close }][parts.length - 4];
  if (!operations) throw new Refusal(404);
  for (const name of (option.without ?? "").split(",")) {
    for (const method of Object.keys(operations)) if (operations[method].name === name) delete operations[method];
  }
  return { operation: operations[request.method], allow: Object.keys(operations).join(", "), segment: parts[4] };
}

function authenticate(request) {
  const credential = (request.headers.authorization ?? "").match(/^Bearer +(\S.*)$/)?.[1].trim();
  const environment = credential !== undefined && Object.hasOwn(KEYS, credential) ? KEYS[credential] : undefined;
  const claims = environment || credential === undefined ? null : verify(credential);
  if (!environment && !claims) throw new Refusal(401, { "WWW-Authenticate": "Bearer" });
  return { environment: environment ?? claims.sub, scopes: claims?.scopes };
}

async function receive(request, limit) {
  if (option.eager && Number(request.headers["content-length"] ?? 0) > limit) throw new Refusal(413, { Connection: "close" });
  const pieces = [];
  let size = 0;
  for await (const piece of request) {
    size += piece.length;
    if (size <= limit) pieces.push(piece);
  }
  if (size > limit) throw new Refusal(limit === CLOSE_BYTES ? 413 : Number(option.large ?? 413));
  return Buffer.concat(pieces);
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isText = (value, least, most) => typeof value === "string" && value.length >= least && value.length <= most;
const isWhole = (value, least, most) => Number.isInteger(value) && value >= least && value <= most;
const isAbsent = (value) => value === undefined;
const areTags = (value) => Array.isArray(value) && value.length <= 10 && value.every((each) => isText(each, 0, 128));
const status = (row) => (row.closedAt ? "CLOSED" : row.expiresAt && Date.parse(row.expiresAt) <= Date.now() ? "EXPIRED" : "ACTIVE");

function read(content, request) {
  if (option.media === "strict" && content.length && !/json/i.test(request.headers["content-type"] ?? "")) throw new Refusal(415);
  let value;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content));
  } catch {
    throw new Refusal(400);
  }
  if (!isObject(value)) throw new Refusal(Number(option.refusal ?? 400));
  return value;
}

function isCreate(body) {
  const config = body.triggerConfig;
  return (
    isText(body.type, 1, 64) && isText(body.taskIdentifier, 1, 128) && isObject(config) && isObject(config.basePayload) &&
    (isAbsent(config.machine) || MACHINES.includes(config.machine)) && (isAbsent(config.queue) || isText(config.queue, 0, 128)) &&
    (isAbsent(config.tags) || areTags(config.tags)) && (isAbsent(config.maxAttempts) || isWhole(config.maxAttempts, 1, 10)) &&
    (isAbsent(config.maxDuration) || isWhole(config.maxDuration, 1, 1e9)) &&
    (isAbsent(config.idleTimeoutInSeconds) || isWhole(config.idleTimeoutInSeconds, 1, 3600)) &&
    [config.region, config.lockToVersion].every((each) => isAbsent(each) || isText(each, 0, 1e6)) &&
    (isAbsent(body.tags) || areTags(body.tags)) && (isAbsent(body.metadata) || isObject(body.metadata)) &&
    (isAbsent(body.expiresAt) || (isText(body.expiresAt, 1, 64) && !Number.isNaN(Date.parse(body.expiresAt)))) &&
    (isAbsent(body.externalId) || (isText(body.externalId, 1, 256) && !body.externalId.startsWith("session_")))
  );
}

function create({ body, store, environment }) {
  if (typeof body.externalId === "string") body.externalId = body.externalId.trim();
  if (!isCreate(body)) throw new Refusal(Number(option.invalid ?? 422));
  let row = store.byExternalId.get(body.externalId);
  if (row && status(row) !== "ACTIVE") throw new Refusal(409);
  const isCached = row !== undefined;
  if (isCached) {
    Object.assign(row, { triggerConfig: body.triggerConfig, updatedAt: now() });
  } else {
    const expiresAt = body.expiresAt === undefined ? null : new Date(body.expiresAt).toISOString();
    row = {
      id: newId(), externalId: body.externalId ?? null, type: body.type, taskIdentifier: body.taskIdentifier,
      triggerConfig: body.triggerConfig, currentRunId: option.runs === "none" ? null : `run_${made}`, tags: body.tags ?? [],
      metadata: body.metadata ?? null, closedAt: null, closedReason: null, expiresAt, createdAt: now(), updatedAt: now(),
    };
    store.byId.set(row.id, row);
    if (row.externalId !== null) store.byExternalId.set(row.externalId, row);
  }
  const publicAccessToken = issue(environment, row.externalId ?? row.id);
  return [isCached ? 200 : 201, { ...row, runId: "run_1", publicAccessToken, isCached }];
}

function list({ store, query }) {
  const asked = (name) => query.get(`filter[${name}]`)?.split(",");
  const [size, after, before] = ["size", "after", "before"].map((name) => query.get(`page[${name}]`));
  const [from, to, period] = ["from", "to", "period"].map((name) => query.get(`filter[createdAt][${name}]`));
  const areNumbers = [size ?? "20", from ?? "0", to ?? "0"].every((text) => /^\d+$/.test(text));
  const states = asked("status") ?? [];
  if (!areNumbers || !isWhole(Number(size ?? 20), 1, 100) || (after && before)) throw new Refusal(400);
  if (!states.every((state) => ["ACTIVE", "CLOSED", "EXPIRED"].includes(state))) throw new Refusal(400);
  const start = Math.max(Number(from ?? 0), period === null ? 0 : Date.now() - parseInt(period) * SPANS[period.at(-1)]);
  const found = [...store.byId.values()].reverse().filter((row) => {
    const at = Date.parse(row.createdAt);
    return (
      at >= start && at <= Number(to ?? Infinity) && (!states.length || states.includes(status(row))) &&
      (asked("type")?.includes(row.type) ?? true) && (asked("taskIdentifier")?.includes(row.taskIdentifier) ?? true) &&
      (asked("tags")?.some((tag) => row.tags.includes(tag)) ?? true) && (query.get("filter[externalId]") ?? row.externalId) === row.externalId
    );
  });
  const place = (id) => found.findIndex((row) => row.id === id);
  const first = after ? place(after) + 1 : before ? Math.max(0, place(before) - Number(size ?? 20)) : 0;
  const page = found.slice(first, before ? place(before) : first + Number(size ?? 20));
  const pagination = {};
  if (page.length && found.at(-1) !== page.at(-1)) pagination.next = page.at(-1).id;
  if (page.length && found[0] !== page[0] && option.cursors !== "forward") pagination.previous = page[0].id;
  return [200, { data: page.map(({ triggerConfig, ...row }) => row), pagination }];
}

function retrieve({ row }) {
  return [200, row];
}

function update({ body, row }) {
  if (!(isAbsent(body.tags) || areTags(body.tags)) || !isObject(body.metadata ?? {})) throw new Refusal(400);
  if ("externalId" in body && body.externalId !== row.externalId) throw new Refusal(422);
  const changes = Object.fromEntries(["tags", "metadata"].filter((name) => name in body).map((name) => [name, body[name]]));
  return [200, Object.keys(changes).length ? Object.assign(row, changes, { updatedAt: now() }) : row];
}

function close({ body, row }) {
  const at = now();
  return [200, row.closedAt ? row : Object.assign(row, { closedAt: at, closedReason: body.reason ?? null, updatedAt: at })];
}

function holdReason(body) {
  if (!("reason" in body)) return;
  const reason = typeof body.reason === "string" ? body.reason : " ".repeat(257);
  const characters = option.units === "points" ? [...reason].length : reason.length;
  const isOdd = option.nul === "refused" && (reason.includes("\0") || !isWellFormed(reason));
  if (characters > 256 || isOdd) throw new Refusal(Number(option.refusal ?? 400));
}

function isWellFormed(text) {
  try {
    encodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

async function answer(request) {
  const { operation, allow, segment } = route(request);
  if (!operation && option.first === "method") throw new Refusal(405, { Allow: allow });
  const { environment, scopes } = authenticate(request);
  if (!operation) throw new Refusal(405, { Allow: allow });
  const store = sessions.get(environment);
  let body = {};
  if ([create, update, close].includes(operation)) {
    const content = await receive(request, operation === close ? CLOSE_BYTES : BODY_BYTES);
    if (content.length || operation !== close) body = read(content, request);
    if (operation === close) holdReason(body);
  }
  if (scopes && operation !== retrieve) throw new Refusal(403);
  let row;
  if (segment !== undefined) {
    let key;
    try {
      key = decodeURIComponent(segment);
    } catch {
      throw new Refusal(400);
    }
    row = key.startsWith("session_") ? store.byId.get(key) : store.byExternalId.get(key);
    if (!row) throw new Refusal(404);
    if (scopes && ![row.id, row.externalId].some((name) => scopes.includes(`read:sessions:${name}`))) throw new Refusal(403);
  }
  return operation({ body, row, store, environment, query: new URL(request.url, "http://localhost").searchParams });
}

const server = createServer(async (request, response) => {
  let [status, value, headers] = [500, {}, {}];
  try {
    [status, value] = await answer(request);
  } catch (refusal) {
    // Whoever has left gets no answer.
    if (request.destroyed && !request.complete) return;
    if (!(refusal instanceof Refusal)) throw refusal;
    ({ status, headers } = refusal);
    value = { error: refusal.message, ...(option.errors === "problem" ? { type: "about:blank", title: refusal.message, status } : {}) };
  }
  const mediaType = status >= 400 && option.errors === "problem" ? "application/problem+json" : "application/json; charset=utf-8";
  if (option.connections === "single") headers.Connection = "close";
  response.writeHead(status, { "Content-Type": mediaType, ...headers });
  response.end(request.method === "HEAD" ? undefined : JSON.stringify(value, null, option.written === "pretty" ? 2 : 0));
});
server.keepAliveTimeout = Number(option.idle ?? 5000);
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
