-- Neovim's own client with `freeze lsp`: `cargo xtask neovim`.

local function fail(message)
  io.stderr:write('error: ' .. message .. '\n')
  vim.cmd('cquit 1')
end

local function check(holds, what)
  if not holds then
    fail(what)
    error(what)
  end
  io.stdout:write('ok: ' .. what .. '\n')
end

local function main()
  local folder = debug.getinfo(1, 'S').source:sub(2):match('(.*/)')
  dofile(folder .. 'freeze.lua')
  vim.cmd('edit mistakes.freeze')
  local buffer = vim.api.nvim_get_current_buf()

  local function text()
    return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n')
  end

  local function has_code(code)
    return #vim.tbl_filter(function(found)
      local data = found.user_data and found.user_data.lsp or {}
      return found.code == code or data.code == code
    end, vim.diagnostic.get(buffer)) > 0
  end

  local function request(method, params)
    local answers, problem = vim.lsp.buf_request_sync(buffer, method, params, 20000)
    check(answers, method .. ' is answered' .. (problem and (': ' .. problem) or ''))
    local _, answer = next(answers)
    check(answer and not answer.err, method .. ' has no error')
    return answer.result
  end

  --- The parameters of a request about the place after a part of a line, from 1.
  local function after(line, part)
    local written = vim.api.nvim_buf_get_lines(buffer, line - 1, line, false)[1]
    local _, last = written:find(part, 1, true)
    check(last, 'line ' .. line .. ' has `' .. part .. '`')
    return {
      textDocument = { uri = vim.uri_from_bufnr(buffer) },
      position = { line = line - 1, character = last },
    }
  end

  check(vim.wait(20000, function()
    return #vim.diagnostic.get(buffer) > 0
  end, 20), 'findings arrive')
  check(has_code('FRZ0101'), 'the sign after `lr` is a finding')

  local offered = request('textDocument/completion', after(6, 'layer3.1.'))
  local items = offered.items or offered
  local labels = vim.tbl_map(function(item)
    return item.label
  end, items)
  check(vim.deep_equal(labels, { 'conv1', 'bn1', 'conv2', 'bn2' }), 'the parts of layer3.1 are offered')
  vim.lsp.util.apply_text_edits({ items[1].textEdit }, buffer, 'utf-16')
  check(text():find('layer3.1.conv1 lr', 1, true), 'the path is completed')

  local function fix(line, title)
    local range = {
      start = { line = line - 1, character = 0 },
      ['end'] = { line = line - 1, character = 80 },
    }
    local actions = request('textDocument/codeAction', {
      textDocument = { uri = vim.uri_from_bufnr(buffer) },
      range = range,
      context = { diagnostics = {}, only = { 'quickfix' } },
    })
    check(actions and actions[1], 'line ' .. line .. ' has a quick fix')
    check(actions[1].title:find(title, 1, true), 'it is called `' .. actions[1].title .. '`')
    vim.lsp.util.apply_workspace_edit(actions[1].edit, 'utf-16')
  end

  fix(4, '')
  check(text():find('train @head lr 1e-3;', 1, true), 'the sign is removed')
  check(vim.wait(20000, function()
    return has_code('FRZ0201')
  end, 20), 'the selector that selects nothing is a finding then')
  fix(5, 'layer4')
  check(text():find('unfreeze layer4 lr 1e-4;', 1, true), 'the path is mended')
  check(vim.wait(20000, function()
    return not has_code('FRZ0101') and not has_code('FRZ0201')
  end, 20), 'both findings are gone')

  local hover = request('textDocument/hover', after(5, 'unfreeze lay'))
  check(hover.contents.value:find('15 parameters', 1, true), 'a hover counts parameters')

  local renaming = after(4, 'train @he')
  renaming.newName = 'outlet'
  vim.lsp.util.apply_workspace_edit(request('textDocument/rename', renaming), 'utf-16')
  check(text():find('let @outlet = fc;\nstart: train @outlet', 1, true), 'the name is changed')

  local formatting = {
    textDocument = { uri = vim.uri_from_bufnr(buffer) },
    options = { tabSize = 4, insertSpaces = true },
  }
  vim.lsp.util.apply_text_edits(request('textDocument/formatting', formatting), buffer, 'utf-16')
  check(text():find('\nrun 20 epochs;\n', 1, true), 'the text is formatted')
  io.stdout:write('Neovim ' .. tostring(vim.version().major) .. '.' .. vim.version().minor .. ': all is well\n')
  vim.cmd('qall!')
end

local succeeds, problem = pcall(main)
if not succeeds then
  fail(tostring(problem))
end
