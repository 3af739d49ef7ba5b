if instead then
    return instead
end
if epoch ~= ARGV[2] then
    return OTHER
end
local new_seen = math.max(seen, tonumber(ARGV[3]))
local new_idle = math.max(idle, math.min(tonumber(ARGV[4]), absolute))
-- What is not written is not told to those who keep copies.
if new_seen ~= seen or new_idle ~= idle then
    redis.call('SETRANGE', key, 45, struct.pack('>I8I8', new_seen, new_idle))
    redis.call('PEXPIRE', key, kept(new_idle, ends))
end
return DONE
