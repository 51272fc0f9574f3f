// The life of a session through the vendor's own client. Prints one JSON object: what was seen, by step.
// usage: node sdk_lifecycle.mjs   (in a folder with @trigger.dev/sdk; TRIGGER_API_URL and TRIGGER_SECRET_KEY set)
import { configure, sessions, auth } from "@trigger.dev/sdk";

const seen = {};
const chat = (externalId, more = {}) => ({
  type: "chat.agent",
  taskIdentifier: "my-chat",
  externalId,
  triggerConfig: { basePayload: { greeting: "hello" }, machine: "small-1x" },
  ...more,
});
const requestOptions = { retry: { maxAttempts: 1 } };

async function step(name, act) {
  try {
    seen[name] = { value: await act() };
  } catch (error) {
    seen[name] = { error: error.name, status: error.status, message: error.message };
  }
  return seen[name].value;
}

const started = await step("start", () => sessions.start(chat("sdk_1", { tags: ["a"], metadata: { plan: "free" } })));
await step("start again", () => sessions.start(chat("sdk_1")));
await step("retrieve by externalId", () => sessions.retrieve("sdk_1"));
await step("retrieve by id", () => sessions.retrieve(started.id));
await step("update", () => sessions.update("sdk_1", { tags: ["b"], metadata: null }));
await step("token reads", () =>
  auth.withAuth({ accessToken: started.publicAccessToken }, () => sessions.retrieve("sdk_1")));
await step("token closes", () =>
  auth.withAuth({ accessToken: started.publicAccessToken }, () => sessions.close("sdk_1", {}, requestOptions)));
await step("close", () => sessions.close("sdk_1", { reason: "user signed out" }));
await step("close again", () => sessions.close(started.id, { reason: "another" }));
await step("close without reason", async () => {
  await sessions.start(chat("sdk_2"));
  return sessions.close("sdk_2");
});
await step("close unknown", () => sessions.close("sdk_unknown", {}, requestOptions));
await step("start after close", () => sessions.start(chat("sdk_1"), requestOptions));
await step("odd id", async () => {
  const externalId = "Ünï/1?a=b#c d+e%20";
  await sessions.start(chat(externalId));
  return sessions.close(externalId, { reason: "odd" });
});
await step("list closed", async () => {
  const ids = [];
  for await (const session of sessions.list({ status: "CLOSED", limit: 1 })) ids.push(session.externalId);
  return ids;
});
await step("list several states", async () => {
  const page = await sessions.list({ status: ["ACTIVE", "CLOSED"], limit: 100 });
  return page.data.map((session) => session.externalId);
});
await step("list pages", async () => {
  for (let i = 0; i < 7; i++) await sessions.start(chat(`page_${i}`, { type: "paged" }));
  const ids = [];
  for await (const session of sessions.list({ type: "paged", limit: 3 })) ids.push(session.externalId);
  return ids;
});
console.log(JSON.stringify(seen));
