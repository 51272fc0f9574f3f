// A stateful server written by hand with openapi-backend, as one would without adjourn: close alone.
// usage: NODE_PATH=.../node_modules node openapi_backend.mjs openapi.yaml PORT
import http from "node:http";
import { createRequire } from "node:module";

const { OpenAPIBackend } = createRequire(`${process.env.NODE_PATH}/`)("openapi-backend");
const [document, port] = process.argv.slice(2);
const row = JSON.parse(process.env.BENCHMARK_BODY);
const sessions = new Map([[row.externalId, row]]);

const api = new OpenAPIBackend({ definition: document, quick: true, ajvOpts: { strict: false, formats: { "date-time": true } } });
api.register({
  closeSession: (c) => {
    const session = sessions.get(c.request.params.session);
    if (session === undefined) return [404, { error: "Session not found" }];
    if (session.closedAt === null) {
      session.closedAt = new Date().toISOString();
      session.closedReason = c.request.requestBody.reason ?? null;
    }
    return [200, session];
  },
  validationFail: (c) => [400, { error: c.validation.errors[0].message }],
  unauthorizedHandler: () => [401, { error: "Invalid API key" }],
  notFound: () => [404, { error: "Not found" }],
});
const credentials = (c) => c.request.headers.authorization === "Bearer tr_dev_adjourn";
api.registerSecurityHandler("secretKey", credentials);
api.registerSecurityHandler("publicAccessToken", () => false);
await api.init();

http
  .createServer((request, response) => {
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", async () => {
      const { method, url: path, headers } = request;
      const body = Buffer.concat(pieces);
      const [status, value] = await api.handleRequest({ method, path, headers, body: body.toString() });
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    });
  })
  .listen(Number(port), "127.0.0.1");
