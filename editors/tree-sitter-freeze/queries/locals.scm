(policy) @local.scope
(loop) @local.scope
(action_loop) @local.scope

(let name: (identifier) @local.definition)
(let name: (name) @local.definition)
(each index: (identifier) @local.definition)
(each element: (name) @local.definition)
(range index: (identifier) @local.definition)

(identifier) @local.reference
(name) @local.reference
