access_by_lua_block {
    -- OpenResty calls the library resty.redis, Debian nginx.redis.
    local is_resty, library = pcall(require, "resty.redis")
    local redis = (is_resty and library or require "nginx.redis"):new()
    redis:set_timeout(100)
    -- Where there is no Redis to ask, everybody passes. Where it wants a password: redis:auth("…") after connecting.
    if not redis:connect("{host}", {port}) then return end
    local address, keys = ngx.var.binary_remote_addr, {}
    for _, each in ipairs(redis:smembers("{prefix}lengths") or {}) do
        local family, length = each:match("^(%d+)/(%d+)$")
        if (family == "4") == (#address == 4) then
            local digits = {}
            for at = 1, #address do
                local kept = math.max(0, math.min(8, length - 8 * (at - 1)))
                local byte = address:byte(at)
                digits[at] = string.format("%02x", byte - byte % 2 ^ (8 - kept))
            end
            keys[#keys + 1] = "{prefix}address:" .. table.concat(digits) .. "/" .. length
        end
    end
    local found = #keys > 0 and redis:mget(unpack(keys)) or {}
    redis:set_keepalive(10000, 64)
    local status
    for _, entry in ipairs(found) do
        if entry ~= ngx.null and entry:find('"action":"block"', 1, true) then status = 403 end
        if entry ~= ngx.null and entry:find('"action":"throttle"', 1, true) then status = status or 429 end
    end
    if status then ngx.exit(status) end
}
