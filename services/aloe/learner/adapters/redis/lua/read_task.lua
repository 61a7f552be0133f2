-- Ends overdue leases and returns all of a task's meta fields; none if it is not there.
-- While Redis takes no changes the leases stay as they are: what reads a task goes on.
if redis.call('EXISTS', META) == 0 then return {} end
local done, refusal = pcall(expire_leases, now_ms())
if not done then
  -- Redis denies a script its first change or none: nothing is half-done.
  local said = type(refusal) == 'table' and refusal.err or refusal
  if not (string.find(said, 'OOM ') or string.find(said, 'MISCONF ')
    or string.find(said, 'NOREPLICAS ') or string.find(said, 'READONLY ')) then
    error(refusal, 0)
  end
end
return redis.call('HGETALL', META)
