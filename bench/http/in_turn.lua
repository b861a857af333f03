-- One request for each line of the file ACCESS, made beforehand and sent in turn.
function in_turn(request_of)
  local requests, n = {}, 0

  function init(args)
    for line in io.lines(os.getenv("ACCESS")) do requests[#requests + 1] = request_of(line) end
  end

  function request()
    n = n % #requests + 1
    return requests[n]
  end
end
