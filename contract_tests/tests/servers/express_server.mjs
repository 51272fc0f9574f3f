// The Sessions API in Express 5, written from the contract alone: a lawful server that no check may accuse.
//
// Stock: Express' router and its decoding of parameters, express.json with its limit, express-bearer-token, zod, jsonwebtoken.
// Answers of its own in the grey zones: 401 unless the scheme is written `Bearer`, 401 before 405 and unknown paths, 415 for a
// media type that is not JSON, lengths in UTF-16 code units, whatever JavaScript's Date takes for a date, unknown members of
// triggerConfig are kept, paths in any letter case and with a slash at the end are the same path, cursors are offsets.
//
// `node express_server.mjs`, beside a node_modules that has the packages, prints its URL and serves until it is stopped.

import { randomUUID } from "node:crypto";
import express from "express";
import bearerToken from "express-bearer-token";
import jwt from "jsonwebtoken";
import { z } from "zod";

const KEYS = { tr_dev_lawful: "env_dev", tr_stg_lawful: "env_stg" };
const TOKEN = { issuer: "https://id.trigger.dev", audience: "https://api.trigger.dev" };
const sessions = new Map(Object.keys(KEYS).map((key) => [key, []])); // oldest first

const object = z.custom((value) => typeof value === "object" && value !== null && !Array.isArray(value), "not an object");
const tags = z.array(z.string().max(128)).max(10);
const Create = z.object({
  type: z.string().min(1).max(64),
  taskIdentifier: z.string().min(1).max(128),
  externalId: z.string().trim().min(1).max(256)
    .refine((name) => !name.startsWith("session_"), "must not look like a friendly id").optional(),
  triggerConfig: z.looseObject({
    basePayload: object,
    machine: z.enum(["micro", "small-1x", "small-2x", "medium-1x", "medium-2x", "large-1x", "large-2x"]).optional(),
    queue: z.string().max(128).optional(),
    tags: tags.optional(),
    maxAttempts: z.int().min(1).max(10).optional(),
    maxDuration: z.int().min(1).optional(),
    lockToVersion: z.string().optional(),
    region: z.string().optional(),
    idleTimeoutInSeconds: z.int().min(1).max(3600).optional(),
  }),
  tags: tags.default([]),
  metadata: object.optional(),
  expiresAt: z.string().refine((text) => !Number.isNaN(Date.parse(text)), "not a date").optional(),
});
const Update = z.object({
  tags: tags.optional(),
  metadata: object.nullable().optional(),
  externalId: z.string().nullable().optional(),
});
const Close = z.object({ reason: z.string().max(256).optional() });
const epoch = z.coerce.number().int().min(0).max(8.64e15).optional();
const values = z.string().transform((text) => text.split(",")).optional();
const Query = z.object({
  "page[size]": z.coerce.number().int().min(1).max(100).default(20),
  "page[after]": z.string().regex(/^\d+$/).optional(),
  "page[before]": z.string().regex(/^\d+$/).optional(),
  "filter[type]": values,
  "filter[taskIdentifier]": values,
  "filter[tags]": values,
  "filter[externalId]": z.string().optional(),
  "filter[status]": z.string().transform((text) => text.split(","))
    .pipe(z.array(z.enum(["ACTIVE", "CLOSED", "EXPIRED"]))).optional(),
  "filter[createdAt][period]": z.string().regex(/^\d{1,6}[smhdw]$/).optional(),
  "filter[createdAt][from]": epoch,
  "filter[createdAt][to]": epoch,
}).refine((query) => !(query["page[after]"] && query["page[before]"]), "page[after] or page[before], not both");
const SECONDS = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function parsed(schema, value, status) {
  const result = schema.safeParse(value);
  if (!result.success) throw new Refused(status, z.prettifyError(result.error));
  return result.data;
}

function authenticate(req, res, next) {
  if (!req.token) throw new Refused(401, "A bearer token is required");
  if (Object.hasOwn(KEYS, req.token)) {
    req.key = req.token;
    return next();
  }
  for (const [key, environment] of Object.entries(KEYS)) {
    try {
      const claims = jwt.verify(req.token, key, { ...TOKEN, subject: environment, algorithms: ["HS256"] });
      if (claims.pub === true) [req.key, req.scopes] = [key, claims.scopes ?? []];
    } catch { /* another environment's, or nobody's */ }
  }
  if (!req.key) throw new Refused(401, "The token is not valid");
  next();
}

const secretKeyOnly = (req, res, next) => {
  if (req.scopes) throw new Refused(403, "A public access token cannot do this");
  next();
};

const json = (limit, { required }) => [
  (req, res, next) => {
    if (req.is("json") === false) throw new Refused(415, "The body must be application/json");
    next();
  },
  express.json({ limit, verify: (req, res, content) => { req.hasContent = content.length > 0; } }),
  (req, res, next) => {
    if (required && !req.hasContent) throw new Refused(400, "A body is required"); // express.json takes none as {}
    if (Array.isArray(req.body)) throw new Refused(400, "The body must be an object");
    next();
  },
];

function found(req, res, next) {
  const name = req.params.session;
  const member = name.startsWith("session_") ? "id" : "externalId";
  req.session = sessions.get(req.key).find((row) => row[member] === name);
  if (!req.session) throw new Refused(404, "No such session");
  next();
}

const notAllowed = (allow) => (req, res) => {
  res.set("Allow", allow).status(405).json({ error: `${req.method} is not allowed here` });
};

function statusOf(row) {
  if (row.closedAt) return "CLOSED";
  return row.expiresAt && Date.parse(row.expiresAt) <= Date.now() ? "EXPIRED" : "ACTIVE";
}

const now = () => new Date().toISOString();
const app = express().disable("x-powered-by");
app.set("query parser", "simple");
// The Authorization header alone: by default express-bearer-token reads the query and the body too.
app.use(bearerToken({ queryKey: Symbol("none"), bodyKey: Symbol("none") }), authenticate);

app.route("/api/v1/sessions")
  .post(secretKeyOnly, json(32768, { required: true }), (req, res) => {
    const sent = parsed(Create, req.body, 422);
    const rows = sessions.get(req.key);
    let row = rows.find((each) => sent.externalId !== undefined && each.externalId === sent.externalId);
    const isCached = row !== undefined;
    if (isCached) {
      if (statusOf(row) !== "ACTIVE") throw new Refused(409, `The session is ${statusOf(row).toLowerCase()}`);
      Object.assign(row, { triggerConfig: sent.triggerConfig, updatedAt: now() });
    } else {
      const created = now();
      row = {
        id: `session_${randomUUID()}`,
        externalId: sent.externalId ?? null,
        type: sent.type,
        taskIdentifier: sent.taskIdentifier,
        triggerConfig: sent.triggerConfig,
        currentRunId: `run_${randomUUID()}`,
        tags: sent.tags,
        metadata: sent.metadata ?? null,
        closedAt: null,
        closedReason: null,
        expiresAt: sent.expiresAt ? new Date(sent.expiresAt).toISOString() : null,
        createdAt: created,
        updatedAt: created,
      };
      rows.push(row);
    }
    const names = [row.id, row.externalId].filter((name) => name !== null);
    const scopes = ["read", "write"].flatMap((verb) => names.map((name) => `${verb}:sessions:${name}`));
    const options = { ...TOKEN, subject: KEYS[req.key], expiresIn: "1h" };
    const publicAccessToken = jwt.sign({ pub: true, scopes }, req.key, options);
    res.status(isCached ? 200 : 201).json({ ...row, runId: row.currentRunId, publicAccessToken, isCached });
  })
  .get(secretKeyOnly, (req, res) => {
    const query = parsed(Query, req.query, 400);
    const oneOf = (name, value) => !query[name] || query[name].includes(value);
    const period = query["filter[createdAt][period]"];
    const since = period ? Date.now() - parseInt(period, 10) * SECONDS[period.at(-1)] * 1000 : 0;
    const rows = sessions.get(req.key).filter((row) => {
      const created = Date.parse(row.createdAt);
      return oneOf("filter[type]", row.type) && oneOf("filter[taskIdentifier]", row.taskIdentifier)
        && oneOf("filter[status]", statusOf(row))
        && (!query["filter[tags]"] || row.tags.some((tag) => query["filter[tags]"].includes(tag)))
        && (query["filter[externalId]"] ?? row.externalId) === row.externalId
        && created >= Math.max(since, query["filter[createdAt][from]"] ?? 0)
        && created <= (query["filter[createdAt][to]"] ?? Infinity);
    });
    // A cursor is a place counted from the oldest row, so that new rows do not move it.
    const size = query["page[size]"];
    let end = Number(query["page[after]"] ?? rows.length);
    if (query["page[before]"]) end = Math.min(rows.length, Number(query["page[before]"]) + size);
    const start = Math.max(query["page[before]"] ? Number(query["page[before]"]) : 0, end - size, 0);
    const data = rows.slice(start, end).reverse().map(({ triggerConfig, ...row }) => row);
    const pagination = {};
    if (start > 0) pagination.next = String(start);
    if (end < rows.length) pagination.previous = String(end);
    res.json({ data, pagination });
  })
  .all(notAllowed("GET, HEAD, POST"));

app.route("/api/v1/sessions/:session")
  .get(found, (req, res) => {
    const granted = ["read:sessions", `read:sessions:${req.session.id}`, `read:sessions:${req.session.externalId}`];
    if (req.scopes && !granted.some((scope) => req.scopes.includes(scope))) throw new Refused(403, "Not your session");
    res.json(req.session);
  })
  .patch(secretKeyOnly, json(32768, { required: true }), (req, res, next) => {
    req.body = parsed(Update, req.body, 400);
    next();
  }, found, (req, res) => {
    const { externalId = req.session.externalId, ...changes } = req.body;
    if (externalId !== req.session.externalId) throw new Refused(422, "The externalId cannot be changed");
    if (Object.keys(changes).length) Object.assign(req.session, changes, { updatedAt: now() });
    res.json(req.session);
  })
  .all(notAllowed("GET, HEAD, PATCH"));

app.route("/api/v1/sessions/:session/close")
  .post(secretKeyOnly, json(1024, { required: false }), (req, res, next) => {
    req.body = parsed(Close, req.body ?? {}, 400);
    next();
  }, found, (req, res) => {
    if (!req.session.closedAt) {
      const closedAt = now();
      Object.assign(req.session, { closedAt, updatedAt: closedAt, closedReason: req.body.reason ?? null });
    }
    res.json(req.session);
  })
  .all(notAllowed("POST"));

app.use((req) => { throw new Refused(404, `There is no ${req.path}`); });
app.use((error, req, res, next) => { // four parameters make it the handler of errors
  res.status(error.status ?? 500).json({ error: error.message });
});

const server = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
