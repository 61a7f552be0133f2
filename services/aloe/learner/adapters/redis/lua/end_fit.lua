-- Takes the right to fit a map back. KEYS: the right. ARGV: fitter.
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 'OK'
