wrk.method = "POST"
wrk.body = '{"reason":"user signed out"}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer tr_dev_adjourn"
