-- bench/macro/upload.lua: wrk sends 1 MiB in every request.
wrk.method = "POST"
wrk.body = string.rep("x", 1024 * 1024)
