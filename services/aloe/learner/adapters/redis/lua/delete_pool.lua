-- Deletes a pool that no task uses. KEYS: meta, clips, rows, chunks, tasks, contents, changes, marks,
-- maps.
-- ARGV: how the keys of its chunks begin, before its epoch, '' where they lie on other nodes.
-- Returns nil if there is none, 0 if it is in use, or the chunks that are left to delete.
if redis.call('EXISTS', KEYS[1]) == 0 then return nil end
if redis.call('SCARD', KEYS[5]) > 0 then return 0 end
local chunks = redis.call('LRANGE', KEYS[4], 0, -1)
for _, chunk in ipairs(chunks) do
  if not string.find(chunk, '^%d+ %d+ %S+$') then damaged(KEYS[4], 'it names what is no chunk') end
end
local epoch = redis.call('HGET', KEYS[1], 'epoch')
redis.call('DEL', unpack(KEYS))
if ARGV[1] == '' then return chunks end
-- Here, since later they may be needed again: by a store that went back before this.
for _, chunk in ipairs(chunks) do
  redis.call('UNLINK', ARGV[1] .. epoch .. ':' .. string.match(chunk, '%S+$'))
end
return {}
