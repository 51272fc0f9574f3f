"""What the Redis store does in one step, as scripts in Lua.

KEYS are, in this order, `rows`, `ids`, `terms`, `places` and `counters` of an environment; KEYS of RECORDS are
`version` and `environments`.
"""

__all__ = ["BATCH", "FIND", "INSERT", "RECORDS", "REPLACE", "SWAP"]

FIND = """
local id = ARGV[1]
if ARGV[2] == 'external' then id = redis.call('HGET', KEYS[2], id) end
return id and redis.call('HGET', KEYS[1], id)
"""
# Puts a new row under its place and terms; ARGV has, from `at` on: id, externalId, whether it has one,
# createdAt, the row, how many terms, the terms. Returns where the next one starts.
KEEP = """
local function keep(at)
  local id, external, has_external, created, row = unpack(ARGV, at, at + 4)
  local place = created .. ' ' .. string.format('%016d', redis.call('HINCRBY', KEYS[5], 'places', 1)) .. ' ' .. id
  redis.call('HSET', KEYS[1], id, row)
  redis.call('HSET', KEYS[4], id, place)
  local last = at + 5 + tonumber(ARGV[at + 5])
  for index = at + 6, last do redis.call('ZADD', KEYS[3], 0, ARGV[index] .. place) end
  if has_external == '1' then redis.call('HSET', KEYS[2], external, id) end
  return last + 1
end
"""
# Returns the row that has the externalId, or nothing where the new one was kept, and an error where its id is taken.
INSERT = (
    KEEP
    + """
if ARGV[3] == '1' then
  local holder = redis.call('HGET', KEYS[2], ARGV[2])
  if holder then return redis.call('HGET', KEYS[1], holder) end
end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return redis.error_reply('TAKEN') end
keep(1)
return false
"""
)
REPLACE = (
    KEEP
    + """
for index = 1, 4 do redis.call('DEL', KEYS[index]) end
redis.call('HDEL', KEYS[5], 'places')
local at = 1
while at <= #ARGV do at = keep(at) end
return 1
"""
)
# Puts a row in place of the one that was read, unless it has changed since. ARGV: id, the two rows, the two
# externalIds, how many terms it had that it has no more, these, and those that are new.
SWAP = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] ~= ARGV[5] then
  redis.call('HDEL', KEYS[2], ARGV[4])
  redis.call('HSET', KEYS[2], ARGV[5], ARGV[1])
end
local place = redis.call('HGET', KEYS[4], ARGV[1])
local first_new = 7 + tonumber(ARGV[6])
for index = 7, #ARGV do
  if index < first_new then redis.call('ZREM', KEYS[3], ARGV[index] .. place)
  else redis.call('ZADD', KEYS[3], 0, ARGV[index] .. place) end
end
return 1
"""
# Places and rows, so many of each term. ARGV: a command, how many, and for each term the term, start and stop.
BATCH = """
local found = {}
for index = 3, #ARGV, 3 do
  local range = redis.call(ARGV[1], KEYS[3], ARGV[index + 1], ARGV[index + 2], 'LIMIT', 0, tonumber(ARGV[2]))
  for _, member in ipairs(range) do
    local place = string.sub(member, #ARGV[index] + 1)
    found[#found + 1] = place
    found[#found + 1] = redis.call('HGET', KEYS[1], string.match(place, '^%S+ %S+ (.*)$'))
  end
end
return found
"""
RECORDS = """
local version = tonumber(redis.call('GET', KEYS[1]) or '0')
if version == tonumber(ARGV[1]) then return {version} end
return {version, redis.call('HGETALL', KEYS[2])}
"""
