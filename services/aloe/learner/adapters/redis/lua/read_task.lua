-- Ends overdue leases and returns all of a task's meta fields; none if it is not there.
if redis.call('EXISTS', META) == 0 then return {} end
expire_leases(now_ms())
return redis.call('HGETALL', META)
