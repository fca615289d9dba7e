-- Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
-- Requests of one operation with ever new IDs, for wrk. $BENCHMARK_LOAD names the file of settings
-- that load.py writes. Prints one line of JSON behind "RESULT ".

local load_ = dofile(os.getenv("BENCHMARK_LOAD"))
local threads = {}

-- Every answer's count is checked, and that nothing was rejected (SPAR counts rejected items as
-- completed); of one in so many, each address is counted too.
local SAMPLE = 8

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(args)
  math.randomseed(load_.seed + number)
  sent, answered, wrong, first_wrong = 0, 0, 0, ""
  expected_count = string.format('"completed_count":%d', load_.items)
  wrk.headers["Content-Type"] = "application/json"
  if load_.token then
    wrk.headers["Authorization"] = "Bearer " .. load_.token
  end
  for line in load_.ids_path and io.lines(load_.ids_path) or function() end do
    ids = ids or {}
    table.insert(ids, line)
  end
  prefix = string.format("%x-%d-", load_.seed, number)
end

local function person(n)
  return string.format("token:%010d@%s", (n * load_.id_factor) % load_.id_range, load_.namespace)
end

local function address(n)
  local part = load_.addresses[n % #load_.addresses + 1]
  local account = load_.account_first + (n * load_.account_factor) % load_.account_range
  return string.format("%s%d%s", part[1], account, part[2])
end

-- Threads take turns, so that none takes what another has.
local function turn(position)
  return (sent * load_.threads + number) * load_.items + position
end

local item = {}

function item.resolve(position)
  return person(math.random(load_.rows)), '","scope":"details'
end

function item.update(position)
  return person(math.random(load_.rows)), '","fa":"' .. address(math.random(2 ^ 22))
end

function item.link(position)
  local n = load_.first + turn(position)
  return person(n), '","fa":"' .. address(n)
end

function item.unlink(position)
  local id = ids[turn(position) + 1]
  if not id then
    first_wrong = "there are no IDs left to unlink"
    wrong = wrong + 1
  end
  return id or person(0), ""
end

function request()
  if load_.action == "health" then
    sent = sent + 1
    return wrk.format("GET", load_.path)
  end
  local now = os.date("!%Y-%m-%dT%H:%M:%SZ")
  local make, parts = item[load_.action], {}
  for position = 0, load_.items - 1 do
    local id, rest = make(position)
    parts[position + 1] = string.format(
      '{"reference_id":"%d","timestamp":"%s","id":"%s%s"}', position, now, id, rest)
  end
  sent = sent + 1
  local body = string.format(
    '{"header":{"version":"1.0.0","message_id":"%s%d","message_ts":"%s","action":"%s",'
      .. '"sender_id":"%s","total_count":%d},"message":{"transaction_id":"%s%d","%s_request":[%s]}}',
    prefix, sent, now, load_.action, load_.sender_id, load_.items, prefix, sent, load_.action,
    table.concat(parts, ","))
  return wrk.format("POST", load_.path, nil, body)
end

local function count(body, text)
  local found, position = 0, 1
  while true do
    local _, stop = string.find(body, text, position, true)
    if not stop then
      return found
    end
    found, position = found + 1, stop + 1
  end
end

local function problem(status, body)
  if status ~= 200 then
    return "status " .. status
  elseif load_.action == "health" then
    return not string.find(body, "pass", 1, true) and "not in good health" or nil
  elseif not string.find(body, expected_count, 1, true) then
    return "not every item has been answered"
  elseif string.find(body, '"status":"rjct"', 1, true) then
    return "not every item has succeeded"
  elseif load_.action == "resolve" and answered % SAMPLE == 1
    and count(body, '"fa":"account_number:') ~= load_.items then
    return "an address is missing"
  end
end

function response(status, headers, body)
  answered = answered + 1
  local found = problem(status, body)
  if found then
    if wrong == 0 then
      first_wrong = found .. ": " .. string.sub(body, 1, 600)
    end
    wrong = wrong + 1
  end
end

local function escaped(text)
  return (string.gsub(text, '[%c"\\]', function(c) return string.format("\\u%04x", c:byte()) end))
end

function done(summary, latency, requests)
  local sent_most, wrong_all, first = 0, 0, ""
  for _, thread in ipairs(threads) do
    sent_most = math.max(sent_most, thread:get("sent"))
    wrong_all = wrong_all + thread:get("wrong")
    if first == "" then first = thread:get("first_wrong") end
  end
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,'
      .. '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,'
      .. '"wrong":%d,"first_wrong":"%s","sent_most":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    wrong_all, escaped(first), sent_most))
end
