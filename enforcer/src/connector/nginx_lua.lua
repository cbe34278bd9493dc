lua_shared_dict portcullis 64m;
access_by_lua_block {
    local held = ngx.shared.portcullis
    local address, status = ngx.var.binary_remote_addr, nil
    for family, length in (held:get("lengths") or ""):gmatch("(%d+)/(%d+)") do
        if (family == "4") == (#address == 4) then
            local digits = {}
            for at = 1, #address do
                local kept = math.max(0, math.min(8, length - 8 * (at - 1)))
                local byte = address:byte(at)
                digits[at] = string.format("%02x", byte - byte % 2 ^ (8 - kept))
            end
            local entry = held:get("address:" .. table.concat(digits) .. "/" .. length)
            if entry and entry:sub(1, 5) == "block" then status = 403 end
            if entry and entry:sub(1, 8) == "throttle" then status = status or 429 end
        end
    end
    if status then ngx.exit(status) end
}
server {
    # Portcullis tells here, from this machine only; a header keeps away whoever makes a program of yours ask an address of his choice.
    listen {listen};
    access_log off;
    client_max_body_size 1m;
    client_body_buffer_size 1m;
    location = /portcullis {
        access_by_lua_block {
            if ngx.var.http_portcullis ~= "told" then ngx.exit(403) end
        }
        content_by_lua_block {
            local held = ngx.shared.portcullis
            ngx.header.content_type = "application/json"
            if ngx.req.get_method() == "POST" then
                ngx.req.read_body()
                for line in (ngx.req.get_body_data() or ""):gmatch('[^;"]+') do
                    local what, key, secs, value = line:match("^(%w+) (%S+) ?(%S*) ?(.*)$")
                    local done, why = true, nil
                    if what == "put" then done, why = held:safe_set(key, value, tonumber(secs)) end
                    if what == "delete" then held:delete(key) end
                    if what == "length" then
                        local known = held:get("lengths") or ""
                        if not (known .. " "):find(key .. " ", 1, true) then
                            done, why = held:safe_set("lengths", known .. " " .. key)
                        end
                    end
                    if not done then
                        ngx.status = 507
                        return ngx.say('{"message":"', why, '"}')
                    end
                end
                return ngx.say("{}")
            end
            local out = {}
            for _, key in ipairs(held:get_keys(0)) do
                local value = held:get(key)
                if key:find("^[%w:/]+$") and type(value) == "string" and value:find("^[%w/ ]*$") then
                    out[#out + 1] = '"' .. key .. '":"' .. value .. '"'
                end
            end
            ngx.say("{", table.concat(out, ","), "}")
        }
    }
}
