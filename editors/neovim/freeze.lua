-- The language server of freeze in Neovim 0.7 or later: copy this file to
-- ~/.config/nvim/plugin/freeze.lua. `freeze` must be on the PATH.

vim.api.nvim_create_autocmd({ 'BufRead', 'BufNewFile' }, {
  pattern = '*.freeze',
  callback = function()
    vim.bo.filetype = 'freeze'
  end,
})

vim.api.nvim_create_autocmd('FileType', {
  pattern = 'freeze',
  callback = function(opened)
    vim.bo[opened.buf].commentstring = '// %s'
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
