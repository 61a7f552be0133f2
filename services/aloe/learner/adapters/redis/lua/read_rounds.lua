-- Returns the rounds from a head version on, nil for those that are not there.
-- ARGV: epoch, first version, how many.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local rounds, newest = {}, redis.call('HGET', META, 'head_version')
for index = 1, tonumber(ARGV[3]) do
  local version = string.format('%d', ARGV[2] + index - 1)
  rounds[index] = redis.call('HGET', ROUNDS, version)
  if not rounds[index] and version == newest then
    damaged(ROUNDS, 'round ' .. version .. ', the newest one, is missing')
  end
end
return rounds
