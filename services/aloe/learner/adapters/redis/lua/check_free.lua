-- Checks that what is about to be made is there, or that nothing of it is. KEYS: meta, the others.
if redis.call('HLEN', KEYS[1]) > 0 then return 'OK' end
for place = 2, #KEYS do
  if redis.call('EXISTS', KEYS[place]) == 1 then
    damaged(KEYS[place], 'what it belongs to is not there')
  end
end
return 'OK'
