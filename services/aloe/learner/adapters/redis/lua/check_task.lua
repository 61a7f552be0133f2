-- Checks the kinds of all keys. ARGV: none.
redis.call('HLEN', META)
check_keys(LABELS, HOLDS, LEASES, EXPIRIES, EVENTS, HEADS, ROUNDS, PROMOTIONS)
return 'OK'
