-- The colours that Neovim shows with the parser of tree-sitter: `cargo xtask neovim`. The current
-- folder has the parser and its queries.

local function fail(message)
  io.stderr:write('error: ' .. message .. '\n')
  vim.cmd('cquit 1')
end

-- The colour of each group that is expected, so that a cell of the screen says its group.
local groups = { 'Comment', 'String', 'Keyword', 'Label', 'Number', 'Type', 'Special', 'Operator' }

local function main()
  vim.opt.runtimepath:prepend(vim.fn.getcwd())
  vim.opt.termguicolors = true
  local folder = debug.getinfo(1, 'S').source:sub(2):match('(.*/)')
  dofile(folder .. 'freeze.lua')
  vim.cmd('edit colours.freeze')
  for index, group in ipairs(groups) do
    vim.cmd(('highlight %s gui=NONE guifg=#0000%02x'):format(group, index))
  end
  -- The first call clears all colours.
  vim.api.nvim__inspect_cell(1, 0, 0)
  vim.cmd('redraw!')

  --- The group of the first character of a part of a line, from 1.
  local function group_of(line, part)
    local written = vim.api.nvim_buf_get_lines(0, line - 1, line, true)[1]
    local column = written:find(part, 1, true)
    local cell = vim.api.nvim__inspect_cell(1, line - 1, column - 1)
    return groups[(cell[2] or {}).foreground or 0]
  end

  local function check(line, part, group)
    local found = group_of(line, part)
    if found ~= group then
      error(('`%s` is shown as %s and not as %s'):format(part, tostring(found), group))
    end
    io.stdout:write(('ok: `%s` is shown as %s\n'):format(part, group))
  end

  check(1, '// A', 'Comment')
  check(2, 'model', 'Keyword')
  check(2, '"resnet18', 'String')
  check(3, 'start', 'Keyword')
  check(3, 'head', 'Label')
  check(3, 'train', 'Keyword')
  check(3, '1e-3', 'Number')
  check(4, '3', 'Number')
  check(4, 'all', 'Special')
  check(4, '..', 'Operator')
  check(4, 'sgd', 'Type')
  vim.cmd('qall!')
end

local succeeds, problem = pcall(main)
if not succeeds then
  fail(tostring(problem))
end
