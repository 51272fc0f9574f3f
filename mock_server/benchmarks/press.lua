-- One request again and again, as METHOD and BODY of the environment have it.
wrk.method = os.getenv("METHOD") or "POST"
local body = os.getenv("BODY") or '{"reason":"user signed out"}'
if body ~= "" then
  wrk.body = body
  wrk.headers["Content-Type"] = "application/json"
end
wrk.headers["Authorization"] = "Bearer tr_dev_adjourn"
