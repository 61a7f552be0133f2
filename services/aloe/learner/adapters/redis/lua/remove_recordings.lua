-- Deletes recordings. KEYS: meta, recordings. ARGV: epoch, id, ...
-- Returns how many were there; -1 where the pool is another by now.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return -1 end
local count = 0
for place = 2, #ARGV do count = count + redis.call('HDEL', KEYS[2], ARGV[place]) end
return count
