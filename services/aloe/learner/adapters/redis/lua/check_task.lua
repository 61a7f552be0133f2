-- Checks that a task can be created, or is there. ARGV: none.
check_keys(LABELS, HOLDS, LEASES, EXPIRIES, EVENTS, HEADS, ROUNDS)
if redis.call('HLEN', META) == 0 then
  for _, key in ipairs({ LABELS, HOLDS, LEASES, EXPIRIES, EVENTS, HEADS, ROUNDS }) do
    if redis.call('EXISTS', key) == 1 then damaged(key, 'its task is not there') end
  end
end
return 'OK'
