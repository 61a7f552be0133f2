-- Deletes a pool that no task uses. KEYS: meta, clips, rows, chunks, tasks, contents, changes, marks.
-- Returns nil if there is none, 0 if it is in use, or its chunks.
if redis.call('EXISTS', KEYS[1]) == 0 then return nil end
if redis.call('SCARD', KEYS[5]) > 0 then return 0 end
local chunks = redis.call('LRANGE', KEYS[4], 0, -1)
for _, chunk in ipairs(chunks) do
  if not string.find(chunk, '^%d+ %d+ %S+$') then damaged(KEYS[4], 'it names what is no chunk') end
end
redis.call('DEL', unpack(KEYS))
return chunks
