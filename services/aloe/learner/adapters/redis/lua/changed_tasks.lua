-- Returns the places, from 1 on, of the tasks that changed since they were looked at, or may have:
-- they have newer events, overdue leases or another round in progress, are gone or made anew, or
-- cannot be read. KEYS: of each task meta, expiries, events. ARGV: of each its epoch, its last event
-- id and the version of the round in progress, '' without one.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function has_changed(place)
  local meta, expiries, events = KEYS[3 * place - 2], KEYS[3 * place - 1], KEYS[3 * place]
  local epoch, event_id, round = ARGV[3 * place - 2], ARGV[3 * place - 1], ARGV[3 * place]
  local stored = redis.call('HMGET', meta, 'epoch', 'round_version')
  if stored[1] ~= epoch or (stored[2] or '') ~= round then return true end
  if redis.call('EXISTS', events) == 0 then return true end
  local first = redis.call('ZRANGE', expiries, 0, 0, 'WITHSCORES')
  if first[2] and tonumber(first[2]) <= now then return true end
  return redis.call('XREAD', 'COUNT', 1, 'STREAMS', events, event_id) ~= false
end

local changed = {}
for place = 1, #KEYS / 3 do
  local done, answer = pcall(has_changed, place)
  if answer or not done then table.insert(changed, place) end
end
return changed
