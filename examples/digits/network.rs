//! The network: a stem and three blocks, each a convolution with its batch norm, and a head.

use tch::nn::{self, Module, ModuleT};
use tch::{Device, Tensor};

/// Half of the digits: the network learns 0 to 4 first, and then 5 to 9.
pub const CLASSES: i64 = 5;
const FEATURES: i64 = 64;

/// A small convolutional network for images of 8 × 8 pixels.
#[derive(Debug)]
pub struct Network {
    stem: Block,
    layer1: Block,
    layer2: Block,
    layer3: Block,
    head: nn::Linear,
}


#[derive(Debug)]
struct Block { convs: Vec<(nn::Conv2D, nn::BatchNorm)> }
impl Network {
    /// A network that has learnt nothing yet.
    pub fn new(vs: &nn::Path) -> Self {
        Self {
            stem: Block::new(&(vs / "stem"), 1, 16),
            layer1: Block::new(&(vs / "layer1"), 16, 32),
            layer2: Block::new(&(vs / "layer2"), 32, 64),
            layer3: Block::new(&(vs / "layer3"), 64, FEATURES),
            head: nn::linear(vs / "head", feats(), CLASSES, nn::LinearConfig::default()),
        }
    }

    /// Puts a head in place that has learnt nothing yet.
    pub fn renew_head(&mut self) {
        let vs = nn::VarStore::new(Device::Cpu);
        let fresh = nn::linear(vs.root(), feats(), CLASSES, nn::LinearConfig::default());
        tch::no_grad(|| {
            self.head.ws.copy_(&fresh.ws);
            if let (Some(bias), Some(fresh)) = (&mut self.head.bs, &fresh.bs) {
                bias.copy_(fresh);
            }
        });
    }
}

impl ModuleT for Network {
    fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        let images = self.stem.forward_t(images, train);
        let images = self.layer1.forward_t(&images, train).max_pool2d_default(2);
        let images = self.layer2.forward_t(&images, train).max_pool2d_default(2);
        let images = self.layer3.forward_t(&images, train);
        self.head.forward(&pool(&images))
    }
}


fn ev(n:&str,d:i64)->i64{ std::env::var(n).ok().and_then(|v|v.parse().ok()).unwrap_or(d) }
impl Block {
    fn new(vs: &nn::Path, ci: i64, co: i64) -> Self {
        let k=ev("K",3);
        let w=ev("W",16);
        let depth=ev("DEPTH",1);
        let ci=if ci==1 {1} else {ci*w/16}; let co=co*w/16;
        let c = nn::ConvConfig { padding: k/2, bias: false, ..nn::ConvConfig::default() };
        let bn = nn::BatchNormConfig { ws_init: nn::Init::Const(1.0), ..Default::default() };
        let convs=(0..depth).map(|i| { let p= vs.clone()/format!("c{i}"); (nn::conv2d(&p/"conv", if i==0 {ci} else {co}, co, k, c), nn::batch_norm2d(&p/"bn", co, bn)) }).collect();
        Self{convs}
    }
}
impl ModuleT for Block {
    fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        let mut x=images.shallow_clone();
        for (c,b) in &self.convs { x=x.apply(c).apply_t(b,train && (std::env::var("EVALBN").is_err() || b.ws.as_ref().is_some_and(|w| w.requires_grad()))).relu(); }
        x
    }
}
impl Network { pub fn forward_part(&self, x:&Tensor, frozen: usize)->Tensor{
 let b=[&self.stem,&self.layer1,&self.layer2,&self.layer3]; let mut x=x.shallow_clone();
 for (i,b) in b.iter().enumerate(){ x=b.forward_t(&x, i>=frozen); if i==1||i==2 {x=x.max_pool2d_default(2);} }
 self.head.forward(&pool(&x)) } }

fn feats()->i64{ match std::env::var("POOL").as_deref() { Ok("flat")=>FEATURES*4*ev("W",16)/16, _=>FEATURES*ev("W",16)/16 } }
fn pool(x:&Tensor)->Tensor { match std::env::var("POOL").as_deref() { Ok("flat")=>x.flatten(1,-1), Ok("max")=>x.adaptive_max_pool2d([1,1]).0.flatten(1,-1), _=>x.adaptive_avg_pool2d([1,1]).flatten(1,-1) } }
