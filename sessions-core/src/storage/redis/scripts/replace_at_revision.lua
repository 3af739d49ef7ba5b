if instead then
    return instead
end
if revision ~= ARGV[2] then
    return OTHER
end
local new = ARGV[3]
local new_seen, new_idle, new_absolute, new_ends = times(new)
-- A touch leaves the revision, so one may have come since the writer read.
seen = math.max(seen, new_seen)
idle = math.max(new_idle, math.min(idle, new_absolute))
redis.call('SET', key, new:sub(1, 45) .. struct.pack('>I8I8', seen, idle) .. new:sub(62), 'PX', kept(idle, new_ends))
return DONE
