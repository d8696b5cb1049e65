// Colours for the code blocks of policies. A test holds the words to those of the language.
(() => {
    const words = {
        keyword:
            "model run default let for track repeat " +
            "start epoch step at after every when whenever " +
            "train unfreeze freeze set reset restore stop " +
            "lr weight_decay anchor optimizer stats keep except in and or as",
        literal: "sgd adam adamw rmsprop adagrad adamax nadam radam adafactor muon lion held live",
        built_in:
            "linear cosine exp sqrt power invsqrt first last sample rows reversed " +
            "len min max floor ceil round epochs steps grad_norm stops falling rising by rest of " +
            "lowest highest state over times to then stretching seed",
    };
    const readyMade = "all|biases|vectors|norms|matrices|trainable|frozen";

    hljs.registerLanguage("freeze", (hljs) => ({
        keywords: words,
        contains: [
            hljs.C_LINE_COMMENT_MODE,
            hljs.C_BLOCK_COMMENT_MODE,
            hljs.QUOTE_STRING_MODE,
            { className: "number", begin: /\b\d[\d_]*(\.\d+)?(e[+-]?\d+)?%?/ },
            { className: "built_in", begin: new RegExp(`@(${readyMade})\\b`) },
            { className: "variable", begin: /@\w+/ },
            // Segments of a path are names, whatever they are called.
            { begin: /[\w*]+(\.[\w*]+)+/ },
        ],
    }));
    for (const block of document.querySelectorAll("code.language-freeze")) {
        hljs.highlightBlock(block);
    }
})();
