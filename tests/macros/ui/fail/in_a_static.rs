use freeze_runtime::freeze_policy;

static POLICY: freeze_runtime::Policy = freeze_policy! {
    start: trian fc;
    epoch 3: unfreze layer4;
};

fn main() {
}
