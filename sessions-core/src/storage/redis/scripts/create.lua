if instead ~= ABSENT then
    return OTHER
end
local _, idle, _, ends = times(ARGV[2])
redis.call('SET', key, ARGV[2], 'PX', kept(idle, ends))
return DONE
