-- Names the first key that is of another kind than it should be: behind a script that failed on one.
-- KEYS: any. ARGV: their kinds.
for place, kind in ipairs(ARGV) do
  local found = redis.call('TYPE', KEYS[place]).ok
  if found ~= 'none' and found ~= kind then
    damaged(KEYS[place], 'it is a ' .. found .. ' and should be a ' .. kind)
  end
end
return 'OK'
