-- Deletes a pool that no task uses. KEYS: meta, clips, rows, chunks, tasks, contents, changes, marks,
-- maps, recordings.
-- ARGV: how the keys of its chunks, and of what maps made of them, begin, before its epoch; '' where
-- they lie on other nodes.
-- Returns nil if there is none, 0 if it is in use, or { chunks, names of maps } that are left to delete.
if redis.call('EXISTS', KEYS[1]) == 0 then return nil end
if redis.call('SCARD', KEYS[5]) > 0 then return 0 end
local chunks = redis.call('LRANGE', KEYS[4], 0, -1)
for _, chunk in ipairs(chunks) do
  if not string.find(chunk, '^%d+ %d+ %S+$') then damaged(KEYS[4], 'it names what is no chunk') end
end
local epoch, maps = redis.call('HGET', KEYS[1], 'epoch'), redis.call('HKEYS', KEYS[9])
redis.call('DEL', unpack(KEYS))
if ARGV[1] == '' then return { chunks, maps } end
-- Here, since later they may be needed again: by a store that went back before this.
for _, chunk in ipairs(chunks) do
  local id = epoch .. ':' .. string.match(chunk, '%S+$')
  redis.call('UNLINK', ARGV[1] .. id)
  for _, map in ipairs(maps) do redis.call('UNLINK', ARGV[2] .. id .. ':' .. map) end
end
return { {}, {} }
