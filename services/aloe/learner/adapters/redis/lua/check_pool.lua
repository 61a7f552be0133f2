-- Says whether a pool is still the one that was at a mark. KEYS: meta, marks. ARGV: epoch, mark or ''.
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'last_change')
if meta[1] ~= ARGV[1] then return 'POOL_NOT_FOUND' end
if ARGV[2] == '' or ARGV[2] == (meta[2] or meta[1])
  or redis.call('LPOS', KEYS[2], ARGV[2], 'RANK', -1) then return 'OK' end
return 'WENT_BACK'
