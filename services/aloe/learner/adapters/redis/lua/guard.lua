-- What every script has in front: noticing damage before anything is written, since Redis does not
-- roll back. Damage is whatever no server of ours wrote: a key of another kind, a value that cannot be
-- read, a counter that is no number.

-- Ends the script. `aloe.redis.codes` reads what it says.
local function damaged(key, what)
  error('STORE_DAMAGED ' .. key .. ' (' .. what .. ')', 0)
end

-- By kind of key, what fails where it is of another kind; cheaper than asking for the kind.
local LENGTH = { hash = 'HLEN', list = 'LLEN', set = 'SCARD', zset = 'ZCARD', stream = 'XLEN',
  string = 'STRLEN' }

-- Checks fields of a hash that count something; at most so many, as codec.py has it.
local MAX_COUNT = 1e9
local function check_counters(key, fields)
  for place, text in ipairs(redis.call('HMGET', key, unpack(fields))) do
    if text and (not string.find(text, '^%d+$') or tonumber(text) > MAX_COUNT) then
      damaged(key, fields[place] .. ' is no count')
    end
  end
end

-- Reads JSON: an object or array. `what` says where it stands.
local function decoded(key, what, text)
  local is_read, value = pcall(cjson.decode, text)
  if not is_read or type(value) ~= 'table' then damaged(key, what .. ' is unreadable') end
  return value
end
