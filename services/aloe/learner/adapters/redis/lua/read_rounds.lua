-- Returns the rounds from a head version on, nil for those that are not there.
-- ARGV: epoch, first version, how many.
local refusal = fence_off(ARGV[1])
if refusal then return refusal end
local rounds = {}
for index = 1, tonumber(ARGV[3]) do
  rounds[index] = redis.call('HGET', ROUNDS, ARGV[2] + index - 1)
end
return rounds
