-- Returns all of a task's meta fields, overdue leases ended. Deletes nothing else.
if redis.call('EXISTS', META) == 0 then return {} end
expire_leases(now_ms())
return redis.call('HGETALL', META)
