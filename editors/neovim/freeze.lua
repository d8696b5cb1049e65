-- The language server of freeze in Neovim 0.7 or later: copy this file to
-- ~/.config/nvim/plugin/freeze.lua. `freeze` must be on the PATH.

vim.api.nvim_create_autocmd({ 'BufRead', 'BufNewFile' }, {
  pattern = '*.freeze',
  callback = function()
    vim.bo.filetype = 'freeze'
  end,
})

--- Colours, if the parser of tree-sitter is installed.
local function highlight(buffer)
  if #vim.api.nvim_get_runtime_file('parser/freeze.*', false) == 0 then
    return
  end
  if vim.treesitter.start then
    vim.treesitter.start(buffer, 'freeze')
  else
    local parser = vim.treesitter.get_parser(buffer, 'freeze')
    require('vim.treesitter.highlighter').new(parser)
  end
end

vim.api.nvim_create_autocmd('FileType', {
  pattern = 'freeze',
  callback = function(opened)
    vim.bo[opened.buf].commentstring = '// %s'
    highlight(opened.buf)
    local config = {
      name = 'freeze',
      cmd = { vim.env.FREEZE or 'freeze', 'lsp' },
      root_dir = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(opened.buf), ':p:h'),
    }
    if vim.lsp.start then
      vim.lsp.start(config, { bufnr = opened.buf })
    else
      vim.lsp.buf_attach_client(opened.buf, vim.lsp.start_client(config))
    end
  end,
})
