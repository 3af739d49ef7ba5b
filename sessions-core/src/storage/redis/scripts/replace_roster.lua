-- A roster is one string that begins with the revision (16 bytes) of this state of it.
if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then
    return 0
end
if #ARGV[2] == 0 then
    redis.call('DEL', KEYS[1])
else
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
