use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        start: train ~"layer[34\\..*", ~"(conv", ~"bn1)|(fc";
    };
}
